"""One connection after another: neither concurrency nor parallelism, and the baseline of every speed-up."""

from __future__ import annotations

import socket

from .. import lifecycle
from ..conversation import Handler, converse


def serve(listener: socket.socket, handler: Handler) -> None:
    for connection in lifecycle.accept(listener):
        converse(connection, handler)
