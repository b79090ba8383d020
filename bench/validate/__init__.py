"""Studies that hold the project's figures against what is known: ``gilbench validate``.

study
    one experiment, done again and again: a server, a program or a load whose truth is known, and one observation of it.
row
    one figure of a study: what is known and why, how far an estimate may deviate from it (its *bound*), and what came
    of all observations.
truth
    what a row's figure is known to be: by arithmetic, by construction, by theory, by counting, or by a second
    instrument that measured the same interval in another way.
observation
    a figure, the truth at the same time, and how disturbed the machine was meanwhile. Disturbed ones are kept and
    decide nothing.
verdict
    *agrees*: the 95% interval of the deviation lies within the bound. *Disagrees*: the interval, corrected for the
    number of rows and of interim analyses, lies outside. *Too disturbed* else: there is not enough to say.

:mod:`bench.stats.agreement` is the one definition of a verdict; measuring stops by it, and analysing shows it.
"""
