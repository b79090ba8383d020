"""A fixed number of interpreters in one process, each with a GIL and a thread of its own: parallelism, bounded.

They share the listening socket as the processes of prefork do. Source: PEP 734.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
from array import array

from servers import lifecycle
from servers.conversation import Handler, converse


def serve(listener: socket.socket, handler: Handler) -> None:
    interpreters = importlib.import_module("concurrent.interpreters")  # CPython 3.14 and later
    # Which connection each has in flight, as only the main interpreter hears of signals.
    in_flight = memoryview(array("i", [-1] * handler.workers))
    threads = [
        interpreters.create().call_in_thread(_work, os.dup(listener.fileno()), handler, in_flight, number)
        for number in range(handler.workers)
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
