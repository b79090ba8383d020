"""The concurrency models: one file each, one row each.

A model's module exposes ``serve(listener, handler)``: it serves connections from the listening socket until
:mod:`servers.lifecycle` says stop, finishes what is in hand, and returns.
"""

from __future__ import annotations

from typing import NamedTuple, Optional


class Model(NamedTuple):
    """A row of the table.

    Attributes:
        module: where its ``serve`` is, imported only when it is asked for.
        summary: what serves what.
        shows: "neither", "concurrency" or "parallelism".
        clients_at_once: how many connections it can serve at the same time; ``None``: no limit of its own.
        pooled: keeps a fixed number of workers, which ``--workers`` sets.
    """

    module: str
    summary: str
    shows: str
    clients_at_once: Optional[int] = None
    pooled: bool = False


MODELS = {
    "serial": Model("servers.models.serial", "accept, serve to the end, next", "neither", clients_at_once=1),
    "threaded": Model("servers.models.threaded", "a thread per connection", "concurrency"),
    "asyncio": Model("servers.models.asyncio_streams", "one event loop, a coroutine per connection", "concurrency"),
    "multiprocess": Model("servers.models.multiprocess", "a process per connection", "parallelism"),
}
