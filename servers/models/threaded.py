"""A thread per connection: waiting overlaps; computing overlaps only without a GIL."""

from __future__ import annotations

import socket
import threading
import time

from .. import lifecycle
from ..conversation import Handler, converse


def serve(listener: socket.socket, handler: Handler) -> None:
    for connection in lifecycle.accept(listener):
        try:
            threading.Thread(target=converse, args=(connection, handler), daemon=True).start()
        except RuntimeError as shortage:  # "can't start new thread"
            connection.close()
            lifecycle.log("connection_refused", reason=str(shortage))
    while threading.active_count() > 1:  # bounded by the timer that lifecycle.stop() set
        time.sleep(0.005)
