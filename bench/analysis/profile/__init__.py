"""What profiles of a run's cells show: the timeline, flame graphs, the lines that hold the GIL.

:mod:`~bench.analysis.profile.load`
    a profile as it lies on disk.
:mod:`~bench.report.profile.timeline`
    lanes of threads, and the requests of a few clients beneath.
:mod:`~bench.analysis.profile.flame`
    flame graphs and their differences, as HTML with search and zoom.
:mod:`~bench.analysis.profile.top`
    functions and lines by what they take.
:mod:`~bench.report.profile.exports`
    traces for Perfetto and the Firefox Profiler, stacks for speedscope.
:mod:`~bench.report.profile.chapter`
    all of it as a chapter of a page.
"""
