"""A fixed number of processes that share the listening socket: parallelism, bounded, and no process to start.

Each waits in accept(), and the kernel wakes one for each connection. A port for each process (SO_REUSEPORT) would
spread connections by a hash, and let them wait in the queue of a busy process while another is idle (docs/method.md).
"""

from __future__ import annotations

import contextlib
import socket

from servers import lifecycle
from servers.children import Children
from servers.conversation import Handler, serve_all


def serve(listener: socket.socket, handler: Handler) -> None:
    children = Children()

    def replace() -> None:
        for _ in range(children.reap()):
            if lifecycle.stopping():
                return
            lifecycle.log("worker_replaced", reason="it ended")
            with contextlib.suppress(OSError):  # the others go on
                children.fork(lambda: serve_all(listener, handler))

    for _ in range(handler.workers):
        children.fork(lambda: serve_all(listener, handler))
    lifecycle.wait_for_stop(on_signal=replace)
    lifecycle.shut(listener)
    children.end()
