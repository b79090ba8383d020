"""Jobs done at the same time, in a process for each CPU."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Final, TypeVar

T = TypeVar("T")

_jobs: dict[str, Callable[[], object]] = {}


@contextlib.contextmanager
def at_once(jobs: Mapping[str, Callable[[], T]], *, pays: bool) -> Iterator[Mapping[str, Callable[[], T]]]:
    """Start jobs, in order, and yield a function for each that waits for its result; the block waits for all of them.

    Args:
        jobs: the jobs by name; each process inherits what they refer to, and results are pickled.
        pays: whether they take longer than processes take to start; else each is done here, when its turn comes.

    Raises:
        BaseException: what a job raised, when it is waited for.
    """
    workers = min(os.cpu_count() or 1, len(jobs))
    if not pays or workers < 2:
        yield {name: functools.cache(job) for name, job in jobs.items()}
        return
    _jobs.update(jobs)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)  # of NumPy's threads, which are idle
            with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _prepare) as pool:
                yield {name: _result(pool.submit(_run, name)) for name in jobs}
    finally:
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
