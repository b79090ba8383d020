"""Studies that compare the project's figures with known values: ``gilbench validate``.

study
    one experiment that is repeated: a server, a program or a load whose truth is known, and one observation of it.
row
    one figure of a study: what is known and why, how far an estimate may deviate from it (its *bound*), and the result
    of all observations.
truth
    the known value of a row's figure: by arithmetic, by construction, by theory, by counting, or by a second instrument
    that measured the same interval in another way.
observation
    a figure, the truth at the same time, and how disturbed the machine was in that time. Disturbed observations are
    kept, but do not count.
verdict
    *agrees*: the 95% interval of the deviation lies within the bound. *Disagrees*: the interval, corrected for the
    number of rows and of interim analyses, lies outside. *Too disturbed* otherwise: there is too little to decide.

:mod:`bench.stats.agreement` is the only definition of a verdict; measuring stops by it, and analysis shows it.
"""
