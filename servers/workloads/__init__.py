"""What one request costs: one file each, one row each.

A workload's module has ``respond(request: bytes) -> bytes``; if it waits, also a coroutine function
``respond_async`` of the same shape; and ``WORK``, how much of what it does, for the record. One that needs something to
be there first has instead ``prepare()``, a context manager that yields its ``respond``. Work is fixed, not time,
so that a faster interpreter shows (only ``io`` stands for a wait on somebody else, and fixes time).
"""

from __future__ import annotations

from typing import NamedTuple

REPLY = b"Yes, yes"


class NoHandler(Exception):
    """What was named cannot be served; the message says why, in one line."""


class Workload(NamedTuple):
    """A row of the table: the module, imported only when it is asked for, and what a request costs."""

    module: str
    summary: str


WORKLOADS = {
    "echo": Workload("servers.workloads.echo", "just the reply"),
    "io": Workload("servers.workloads.io_wait", "waits 5 ms, as on a remote call"),
    "cpu": Workload("servers.workloads.cpu", "computes in pure Python, about 1 ms"),
    "native": Workload("servers.workloads.native", "computes in C code that releases the GIL, about 1 ms"),
    "alloc": Workload("servers.workloads.alloc", "makes and drops many small objects, about 1 ms"),
    "json": Workload("servers.workloads.json_document", "reads and writes a JSON document, about 1 ms"),
    "sqlite": Workload("servers.workloads.sqlite_read", "reads from a database file by key, about 1 ms"),
    "sqlite-write": Workload("servers.workloads.sqlite_write", "updates a database file in a transaction, about 1 ms"),
    "mixed": Workload("servers.workloads.mixed", "just the reply, while other clients let it compute about 10 ms"),
    "shared": Workload("servers.workloads.shared", "updates one structure under one lock, about 1 ms"),
}
