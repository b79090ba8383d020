"""A fixed number of interpreters in one process, each with its own GIL and thread: bounded parallelism.

They share the listening socket, like the processes of prefork. Source: PEP 734.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import sys
from array import array

from .. import launch, lifecycle
from ..conversation import Handler, converse

_PREPARE = "import runpy, sys; sys.path[:] = %r; runpy.run_path(%r)['load'](%r)"


def serve(listener: socket.socket, handler: Handler) -> None:
    interpreters = importlib.import_module("concurrent.interpreters")  # CPython 3.14 and later
    package = (__package__ or "").partition(".")[0]
    prepare = _PREPARE % (sys.path, launch.__file__, package)
    # Which connection each has in flight, as only the main interpreter hears of signals.
    in_flight = memoryview(array("i", [-1] * handler.workers))
    pool = [interpreters.create() for _ in range(handler.workers)]
    for interpreter in pool:
        interpreter.exec(prepare)
    threads = [
        interpreter.call_in_thread(_work, os.dup(listener.fileno()), handler, in_flight, number)
        for number, interpreter in enumerate(pool)
    ]
    lifecycle.wait_for_stop()
    lifecycle.shut(listener)
    for fd in in_flight:
        if fd >= 0:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as connection:
                connection.shutdown(socket.SHUT_RD)
    for thread in threads:  # bounded by the timer that lifecycle.stop() set
        thread.join()


def _work(fd: int, handler: Handler, in_flight: memoryview, number: int) -> None:
    handler.tuning.apply()
    with socket.socket(fileno=fd) as listener:
        for connection in lifecycle.accept_blocking(listener):
            in_flight[number] = connection.fileno()
            converse(connection, handler)
            in_flight[number] = -1
