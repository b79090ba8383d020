"""Profiles of a run's cells: the timeline, flame graphs, the lines that hold the GIL.

:mod:`~bench.analysis.profile.load`
    profiles on disk.
:mod:`~bench.report.profile.timeline`
    lanes of threads, and the requests of a few clients below.
:mod:`~bench.analysis.profile.flame`
    flame graphs and their differences, as HTML with search and zoom.
:mod:`~bench.analysis.profile.top`
    functions and lines, ranked by samples.
:mod:`~bench.report.profile.exports`
    traces for Perfetto and the Firefox Profiler, stacks for speedscope.
:mod:`~bench.report.profile.chapter`
    all of it as a chapter of a page.
"""
