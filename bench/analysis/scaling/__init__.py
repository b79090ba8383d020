"""Scaling laws: how throughput responds to more clients, and to more cores.

:mod:`~bench.analysis.scaling.laws`
    Amdahl's, Gustafson's and the Universal Scalability Law, one row each.
:mod:`~bench.analysis.scaling.squares`, :mod:`~bench.analysis.scaling.fit`
    coefficients with intervals, the confidence band, and the validity of a fit.
:mod:`~bench.analysis.scaling.series`
    the series of a run.
:mod:`~bench.analysis.scaling.predict`
    predictions for more cores than were measured.
:mod:`~bench.analysis.scaling.choice`, :mod:`~bench.analysis.scaling.table`
    which law the data support, and all of them in ``scaling.csv``.
"""
