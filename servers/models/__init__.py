"""The concurrency models: one file and one row each.

A model's module exposes ``serve(listener, handler)``: it serves connections from the listening socket until
:mod:`servers.lifecycle` stops it, finishes what is in flight, and returns.
"""

from __future__ import annotations

import os
from typing import NamedTuple, Optional, Tuple


def default_workers() -> int:
    """Return the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Model(NamedTuple):
    """A row of the table.

    Attributes:
        module: the module of its ``serve``, imported only when it is used.
        summary: what serves connections.
        shows: "neither", "concurrency" or "parallelism".
        pooled: whether it has a fixed number of workers, which ``--workers`` sets.
        to_the_end: whether a worker (or, without a pool, the server) serves one connection to its end before the next.
        event_loop: serves in an event loop of asyncio.
        since: the first CPython that can run it.
        interface: "wsgi" or "asgi" for a server that people deploy, which speaks HTTP/1.1; empty: a reference model.
        packages: what must be installed for it, with versions.
        threaded: whether each worker has a pool of threads, whose size ``--threads`` sets.
    """

    module: str
    summary: str
    shows: str
    pooled: bool = False
    to_the_end: bool = False
    since: Tuple[int, int] = (3, 9)
    event_loop: bool = False
    interface: str = ""
    packages: Tuple[str, ...] = ()
    threaded: bool = False

    def clients_at_once(self, workers: int) -> Optional[int]:
        """Return how many connections are served at the same time; ``None``: no limit."""
        if not self.to_the_end:
            return None
        return workers if self.pooled else 1


MODELS = {
    "serial": Model(".models.serial", "one connection after another, each to its end", "neither", to_the_end=True),
    "threaded": Model(".models.threaded", "a thread per connection", "concurrency"),
    "thread-pool": Model(".models.thread_pool", "a pool of threads", "concurrency", pooled=True, to_the_end=True),
    "asyncio": Model(
        ".models.asyncio_streams", "one event loop, a coroutine per connection", "concurrency", event_loop=True
    ),
    "asyncio-per-thread": Model(
        ".models.asyncio_per_thread",
        "a pool of threads, an event loop in each",
        "concurrency",
        pooled=True,
        event_loop=True,
    ),
    "asyncio-threads": Model(
        ".models.asyncio_threads",
        "one event loop, a pool of threads for the work",
        "concurrency",
        pooled=True,
        event_loop=True,
    ),
    "multiprocess": Model(".models.multiprocess", "a process per connection", "parallelism"),
    "prefork": Model(".models.prefork", "a pool of processes", "parallelism", pooled=True, to_the_end=True),
    "process-pool": Model(
        ".models.process_pool",
        "one event loop, a pool of processes for the work",
        "parallelism",
        pooled=True,
        event_loop=True,
    ),
    "subinterpreters": Model(
        ".models.subinterpreters",
        "a pool of interpreters in one process",
        "parallelism",
        pooled=True,
        to_the_end=True,
        since=(3, 14),
    ),
}
