"""Thread accounting from outside: where the time of any server under any CPython went, without its cooperation.

The modules, in the order in which data passes through them:

:mod:`~bench.threads.usage`
    CPU time and context switches of the whole process tree.
:mod:`~bench.threads.interpreters`
    where a process keeps its GILs in memory, one for each interpreter that has its own.
:mod:`~bench.threads.descriptors`
    what a file descriptor of another process refers to: the server's listener, a client, or something else.
:mod:`~bench.threads.wait_state`
    what a thread waits for, from its line of ``/proc/PID/task/TID/syscall``.
:mod:`~bench.threads.tree`
    the threads of the tree as they come and go, each with its files kept open.
:mod:`~bench.threads.sampler`
    samples all of them a few hundred times per second, or as often as its cost allows.
:mod:`~bench.threads.account`
    combines exact times and samples into shares that sum to 1, by role and in total, with their errors.
:mod:`~bench.threads.fast_sample`
    compiled sampling, a thousand times per second.
:mod:`~bench.threads.fast_sampler`
    samples all threads this way as they come and go, and builds a timeline.
:mod:`~bench.threads.timeline`
    what each thread did between two such samples, and which of them held the GIL.
"""
