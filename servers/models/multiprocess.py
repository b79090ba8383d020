"""A forked process per connection: computing overlaps, and every connection pays for a process."""

from __future__ import annotations

import socket

from .. import lifecycle
from ..children import Children
from ..conversation import Handler, converse


def serve(listener: socket.socket, handler: Handler) -> None:
    children = Children()
    for connection in lifecycle.accept(listener, on_signal=children.reap):
        with connection:

            def work(connection: socket.socket = connection) -> None:
                listener.close()
                converse(connection, handler)

            try:
                children.fork(work)
            except OSError as shortage:
                lifecycle.log("connection_refused", reason=shortage.strerror)
    children.end()
