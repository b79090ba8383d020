"""A fixed number of threads, each of which accepts for itself: bounded concurrency, no thread start per connection.

The classic pre-threaded server. A thread without work waits in accept(), where it is visibly idle.
"""

from __future__ import annotations

import socket
import threading

from .. import lifecycle
from ..conversation import Handler, serve_all


def serve(listener: socket.socket, handler: Handler) -> None:
    threads = [
        threading.Thread(target=serve_all, args=(listener, handler), daemon=True) for _ in range(handler.workers)
    ]
    with lifecycle.signals_kept():
        for thread in threads:
            thread.start()
    lifecycle.wait_for_stop()
    lifecycle.shut(listener)
    for thread in threads:  # bounded by the timer that lifecycle.stop() set
        thread.join()
