"""Scaling laws: how throughput answers to more clients, and to more cores; :func:`limits` says it in a sentence.

:mod:`~bench.analysis.scaling.laws`
    Amdahl's, Gustafson's and the Universal Scalability Law, a row each.
:mod:`~bench.analysis.scaling.squares`, :mod:`~bench.analysis.scaling.fit`
    from points to coefficients with intervals, a band, and whether they deserve belief.
:mod:`~bench.analysis.scaling.series`
    what of a run is scaled.
:mod:`~bench.analysis.scaling.predict`
    more cores than were measured.
:mod:`~bench.analysis.scaling.limits`, :mod:`~bench.analysis.scaling.table`
    which law the data support, in sentences and in ``scaling.csv``.
"""

from bench.analysis.scaling.limits import Scaling, laws, limits, sentence

__all__ = ["Scaling", "laws", "limits", "sentence"]
