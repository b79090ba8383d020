"""Where a server's time went, read from outside: any CPython, any server, another's too, without its help.

The files, in the order in which data passes through them:

:mod:`~bench.threads.usage`
    what the whole process tree used: CPU time and context switches.
:mod:`~bench.threads.interpreters`
    where in its memory a process keeps its GILs, one for each interpreter that has its own.
:mod:`~bench.threads.descriptors`
    what a descriptor of another process is: the server's listener, a client, or something of the handler's own.
:mod:`~bench.threads.wait_state`
    a line of ``/proc/PID/task/TID/syscall`` becomes a state: what a thread waits for.
:mod:`~bench.threads.tree`
    the threads of the tree as they come and go, each with its files open.
:mod:`~bench.threads.sampler`
    samples all of them a few hundred times per second, as often as its own cost allows.
:mod:`~bench.threads.account`
    exact times and samples together become shares that sum to 1, by role and in all, with their errors.
:mod:`~bench.threads.fast_sample`
    the same sample a thousand times per second: compiled.
:mod:`~bench.threads.fast_sampler`
    samples all threads so as they come and go, and makes a timeline of it.
:mod:`~bench.threads.timeline`
    what each thread did from one such sample to the next, and which of them held the GIL.
"""
