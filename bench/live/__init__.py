"""The accounting live, like top, for any running Python process of one's own: ``gilbench watch PID``.

The files, in the order in which data passes through them:

:mod:`~bench.live.snapshots`
    which Python frames the threads are in, a few times per second, from py-spy: names, and what a lock is waited for.
:mod:`~bench.live.meaning`
    innermost frames become a meaning: waits for work, or for its turn.
:mod:`~bench.live.interval`
    how each thread spent a second: the account of what the sampler saw, divided by those meanings.
:mod:`~bench.live.watched`
    interval after interval of one process tree, as long as it runs.
:mod:`~bench.live.breakdown`
    some intervals together become shares, a row a thread, and what is in doubt.
:mod:`~bench.live.screen`
    a breakdown as a table on a terminal or in a file, and as JSON.
:mod:`~bench.cli.watch`
    the command itself.
"""
