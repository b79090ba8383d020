"""The concurrency models: one file each, one row each.

A model's module exposes ``serve(listener, handler)``: it serves connections from the listening socket until
:mod:`servers.lifecycle` says stop, finishes what is in flight, and returns.
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
        module: where its ``serve`` is, imported only when it is asked for.
        summary: what serves what.
        shows: "neither", "concurrency" or "parallelism".
        pooled: keeps a fixed number of workers, which ``--workers`` sets.
        to_the_end: a worker (or, not pooled, the server) serves one connection to its end before it takes the next.
        since: the first CPython that can run it.
    """

    module: str
    summary: str
    shows: str
    pooled: bool = False
    to_the_end: bool = False
    since: Tuple[int, int] = (3, 9)

    def clients_at_once(self, workers: int) -> Optional[int]:
        """Return how many connections are served at the same time; ``None``: no limit of its own."""
        if not self.to_the_end:
            return None
        return workers if self.pooled else 1


MODELS = {
    "serial": Model("servers.models.serial", "accept, serve to the end, next", "neither", to_the_end=True),
    "threaded": Model("servers.models.threaded", "a thread per connection", "concurrency"),
    "thread-pool": Model(
        "servers.models.thread_pool", "a fixed number of threads", "concurrency", pooled=True, to_the_end=True
    ),
    "asyncio": Model("servers.models.asyncio_streams", "one event loop, a coroutine per connection", "concurrency"),
    "asyncio-threads": Model(
        "servers.models.asyncio_threads", "one event loop, a pool of threads for the work", "concurrency", pooled=True
    ),
    "multiprocess": Model("servers.models.multiprocess", "a process per connection", "parallelism"),
    "prefork": Model(
        "servers.models.prefork", "a fixed number of processes", "parallelism", pooled=True, to_the_end=True
    ),
    "process-pool": Model(
        "servers.models.process_pool", "one event loop, a pool of processes for the work", "parallelism", pooled=True
    ),
    "subinterpreters": Model(
        "servers.models.subinterpreters",
        "a fixed number of interpreters in one process",
        "parallelism",
        pooled=True,
        to_the_end=True,
        since=(3, 14),
    ),
}
