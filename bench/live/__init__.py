"""The accounting live, like top, for any running Python process of one's own: ``python -m bench watch PID``.

The files, in the order in which data passes through them:

:mod:`~bench.live.glimpses`
    which Python frames the threads are in, a few times a second, from py-spy: names, and what a lock is waited for.
:mod:`~bench.live.meaning`
    innermost frames become a meaning: waits for work, or for its turn.
:mod:`~bench.live.stretch`
    how each thread spent a second: the account of what the sampler saw, told apart by those meanings.
:mod:`~bench.live.watched`
    stretch after stretch of one process tree, as long as it runs.
:mod:`~bench.live.picture`
    some stretches together become shares, a row a thread, and what is in doubt.
:mod:`~bench.live.screen`
    a picture as a table on a terminal or in a file, and as JSON.
:mod:`~bench.live.command`
    the command itself.
"""
