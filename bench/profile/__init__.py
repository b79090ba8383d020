"""Profiling, from "how fast" to "why": alternating windows of one cell under load, with and without a profiler.

The modules, in the order of the main path:

:mod:`~bench.cli.profile`
    the command; this is the main path.
:mod:`~bench.profile.request`
    which cell: by its parts, by its name, or the slowest of a run.
:mod:`~bench.profile.profilers`
    py-spy, the interpreter's own sampling profiler and perf, behind one interface.
:mod:`~bench.profile.stacks`
    their common result: stacks, and how often each was seen.
:mod:`~bench.profile.windows`
    the windows: plain, with each profiler, with the timeline's sampler, in random order, round after round.
:mod:`~bench.profile.memory`
    with ``--memory``: which lines hold memory, by tracemalloc in a separate launch.
:mod:`~bench.profile.folder`
    writes the results to ``profile/CELL/`` of the run, apart from its measurements.
"""
