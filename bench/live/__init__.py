"""Live thread accounting, like top, for any running Python process of yours: ``gilbench watch PID``.

The modules, in the order in which data passes through them:

:mod:`~bench.live.snapshots`
    the Python frames of the threads, a few times per second, from py-spy: names, and the purpose of waits for locks.
:mod:`~bench.live.meaning`
    interprets the innermost frames: a wait for work, or for a turn.
:mod:`~bench.live.interval`
    how each thread spent a second: the sampler's account, refined by those meanings.
:mod:`~bench.live.watched`
    successive intervals of one process tree, as long as it runs.
:mod:`~bench.live.breakdown`
    shares over several intervals, one row per thread, and what is uncertain about them.
:mod:`~bench.live.screen`
    a breakdown as a table on a terminal or in a file, and as JSON.
:mod:`~bench.cli.watch`
    the command itself.
"""
