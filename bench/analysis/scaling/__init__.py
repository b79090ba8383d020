"""Scaling laws: how throughput answers to more clients, and to more cores.

:mod:`~bench.analysis.scaling.laws`
    Amdahl's, Gustafson's and the Universal Scalability Law, a row each.
:mod:`~bench.analysis.scaling.squares`, :mod:`~bench.analysis.scaling.fit`
    from points to coefficients with intervals, a band, and whether they are valid.
:mod:`~bench.analysis.scaling.series`
    the series of a run.
:mod:`~bench.analysis.scaling.predict`
    more cores than were measured.
:mod:`~bench.analysis.scaling.choice`, :mod:`~bench.analysis.scaling.table`
    which law the data support, and all of them in ``scaling.csv``.
"""
