"""A fixed number of processes sharing the listening socket: bounded parallelism, no process start per connection.

Each waits in accept(), and the kernel wakes one for each connection. With a socket for each process (SO_REUSEPORT) the
kernel would distribute connections by a hash, and some would wait in the queue of a busy process while another is idle
(docs/method.md).
"""

from __future__ import annotations

import contextlib
import socket

from .. import lifecycle
from ..children import Children
from ..conversation import Handler, serve_all


def serve(listener: socket.socket, handler: Handler) -> None:
    children = Children()

    def replace() -> None:
        for _ in range(children.reap()):
            if lifecycle.stopping():
                return
            lifecycle.log("worker_replaced", reason="it ended")
            with contextlib.suppress(OSError):  # the others continue
                children.fork(lambda: serve_all(listener, handler))

    for _ in range(handler.workers):
        children.fork(lambda: serve_all(listener, handler))
    lifecycle.wait_for_stop(on_signal=replace)
    lifecycle.shut(listener)
    children.end()
