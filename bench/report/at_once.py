"""Jobs done at the same time, in a process for each CPU."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Final, TypeVar

T = TypeVar("T")

RARELY: Final = (100_000, 50, 100)
"""Thresholds of garbage collection while jobs are done: little of what they make is garbage before they end."""

_jobs: dict[str, Callable[[], object]] = {}


@contextlib.contextmanager
def at_once(
    jobs: Mapping[str, Callable[[], T]], *, pays: bool, here: Container[str] = ()
) -> Iterator[Mapping[str, Callable[[], T]]]:
    """Start jobs, in order, and yield a function for each that waits for its result; the block waits for all of them.

    Args:
        jobs: the jobs by name; each process inherits what they refer to, and results are pickled.
        pays: whether they take longer than processes take to start; else each is done here, when it is waited for.
        here: jobs that are done here in any case, because they need what the block computes.

    Raises:
        BaseException: what a job raised, when it is waited for.
    """
    there = {name: job for name, job in jobs.items() if name not in here}
    workers = min(os.cpu_count() or 1, len(there))
    if not pays or workers < 2:
        yield {name: functools.cache(job) for name, job in jobs.items()}
        return
    _jobs.update(there)
    thresholds = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)  # of NumPy's threads, which are idle
            with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _prepare) as pool:
                started = {name: _result(pool.submit(_run, name)) for name in there}
                yield {name: started.get(name) or functools.cache(job) for name, job in jobs.items()}
    finally:
        gc.set_threshold(*thresholds)
        _jobs.clear()


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_PR_SET_PDEATHSIG: Final = 1


def _result(future: Future[Any]) -> Callable[[], Any]:
    return future.result


def _run(name: str) -> object:
    return _jobs[name]()
