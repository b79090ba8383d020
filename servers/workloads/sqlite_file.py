"""A real database file, created at the start and removed at the end; each worker has its own connection.

In WAL mode, so that readers do not wait for writers (sqlite.org/wal.html), and with ``synchronous = NORMAL``: a commit
waits for the lock, not for the disk.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Tuple

from .. import lifecycle

ROWS = 20_000
PRIME = 7919  # steps through all rows in an order far from their own
LOCK_TIMEOUT_S = 30.0


class _Worker(threading.local):
    """The state of one thread; a connection must not be used across a fork."""

    pid = 0
    path = ""
    connection: Optional[sqlite3.Connection] = None
    step = 0


_worker = _Worker()


@contextlib.contextmanager
def create() -> Iterator[str]:
    """Yield the path of a new database of :data:`ROWS` rows, and remove it at the end, however the server ends."""
    folder = tempfile.mkdtemp(prefix="gilbench-")
    lifecycle.run_before_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    path = str(Path(folder) / "items.sqlite")
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, stock INTEGER)")
        rows = ((number, "item %d" % number, number % 100) for number in range(ROWS))
        connection.executemany("INSERT INTO items VALUES (?, ?, ?)", rows)
        connection.commit()
    finally:
        connection.close()
    try:
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def serving(respond: Callable[[str, bytes], bytes]) -> Iterator[Callable[[bytes], bytes]]:
    """Yield ``respond`` with the path of a database that exists meanwhile."""
    with create() as path:
        yield functools.partial(respond, path)


def connection_of_this_worker(path: str) -> Tuple[sqlite3.Connection, int]:
    """Return the worker's connection, and a number that differs at each call."""
    worker: Any = _worker
    if worker.connection is None or worker.pid != os.getpid() or worker.path != path:
        worker.pid, worker.path = os.getpid(), path
        worker.connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None)
        worker.connection.execute("PRAGMA synchronous = NORMAL")
    worker.step += 1
    return worker.connection, worker.step
