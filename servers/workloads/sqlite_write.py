"""A transaction that updates a real database file for about 1 ms: one writer at a time, with every model."""

from __future__ import annotations

from typing import Callable, ContextManager

from . import REPLY
from .sqlite_file import PRIME, ROWS, connection_of_this_worker, serving

UPDATES = 100
WORK = {"updates_in_a_transaction": UPDATES, "rows": ROWS, "journal": "WAL", "synchronous": "NORMAL"}


def prepare() -> ContextManager[Callable[[bytes], bytes]]:
    return serving(respond)


def respond(path: str, request: bytes) -> bytes:
    connection, step = connection_of_this_worker(path)
    connection.execute("BEGIN IMMEDIATE")
    for number in range(UPDATES):
        key = (step * UPDATES + number) * PRIME % ROWS
        connection.execute("UPDATE items SET stock = stock + 1 WHERE id = ?", (key,))
    connection.execute("COMMIT")
    return REPLY
