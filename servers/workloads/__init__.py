"""The work of one request: one file and one row each.

A workload's module has ``respond(request: bytes) -> bytes``; if it waits, also a coroutine function ``respond_async``
with the same signature; and ``WORK``, the amount of its work, for the record. A workload that needs preparation has
``prepare()`` instead, a context manager that yields its ``respond``. Work is fixed, not time, so that a faster
interpreter shows (only ``io``, which stands for a wait on another service, fixes time).
"""

from __future__ import annotations

from typing import NamedTuple

REPLY = b"Yes, yes"


class NoHandler(Exception):
    """The handler cannot be served; the message says why, in one line."""


class Workload(NamedTuple):
    """A row of the table.

    Attributes:
        module: where its ``respond`` or ``prepare`` is, imported only when it is needed.
        summary: work of one request.
        needs: optional module of the standard library that it needs, which a build may lack.
    """

    module: str
    summary: str
    needs: str = ""


WORKLOADS = {
    "echo": Workload(".workloads.echo", "just the reply"),
    "io": Workload(".workloads.io_wait", "waits 5 ms, as for a remote call"),
    "cpu": Workload(".workloads.cpu", "computes in pure Python, about 1 ms"),
    "native": Workload(".workloads.native", "computes in C code that releases the GIL, about 1 ms"),
    "alloc": Workload(".workloads.alloc", "creates and drops many small objects, about 1 ms"),
    "json": Workload(".workloads.json_document", "reads and writes a JSON document, about 1 ms"),
    "sqlite": Workload(".workloads.sqlite_read", "reads from a database file by key, about 1 ms", needs="sqlite3"),
    "sqlite-write": Workload(
        ".workloads.sqlite_write", "updates a database file in a transaction, about 1 ms", needs="sqlite3"
    ),
    "mixed": Workload(".workloads.mixed", "just the reply, while other clients make it compute for about 10 ms"),
    "shared": Workload(".workloads.shared", "updates one structure under one lock, about 1 ms"),
}
