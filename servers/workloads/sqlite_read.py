"""Keyed reads from a real database file, about 1 ms of them: C code that lets the GIL go for a moment at each."""

from __future__ import annotations

import contextlib
import functools
from typing import Callable, Iterator

from servers.workloads import REPLY
from servers.workloads.sqlite_file import PRIME, ROWS, connection_of_this_worker, made

READS = 200
WORK = {"keyed_reads": READS, "rows": ROWS, "journal": "WAL", "connections": "one a worker"}


@contextlib.contextmanager
def prepared() -> Iterator[Callable[[bytes], bytes]]:
    with made() as path:
        yield functools.partial(respond, path)


def respond(path: str, request: bytes) -> bytes:
    connection, step = connection_of_this_worker(path)
    for number in range(READS):
        key = (step * READS + number) * PRIME % ROWS
        connection.execute("SELECT name, stock FROM items WHERE id = ?", (key,)).fetchone()
    return REPLY
