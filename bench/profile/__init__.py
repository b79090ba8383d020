"""From "how fast" to "why": one cell under load, with and without a profiler, in windows that alternate.

The files, in the order of the main path:

:mod:`~bench.cli.profile`
    the command; this is the main path.
:mod:`~bench.profile.request`
    which cell: from its parts, its name, or the slowest of a run.
:mod:`~bench.profile.profilers`
    py-spy, the interpreter's own sampling profiler and perf, behind one interface.
:mod:`~bench.profile.stacks`
    what they all come down to: stacks and how often each was seen.
:mod:`~bench.profile.windows`
    the windows: plain, with each profiler, with the timeline's sampler, in random order, round after round.
:mod:`~bench.profile.memory`
    with ``--memory``: which lines hold memory, by tracemalloc in a launch of its own.
:mod:`~bench.profile.folder`
    what was found goes into ``profile/CELL/`` of the run, apart from what was measured.
"""
