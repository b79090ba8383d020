"""The interface of a transport: one compiled function that carries bytes over a connected socket.

``transport(operation, channel, fd, data, size) -> int64``

operation
    ``OPEN`` begins with a connected socket and returns its channel: ``channel`` is the transport's own context,
    ``data`` the channel that the client used before, 0 at first. ``SHAKE_HANDS`` returns 1 once bytes can be sent.
    ``SEND`` and ``RECEIVE`` return a number of bytes, ``RECEIVE`` 0 at the end of the stream. ``CLOSE`` ends a
    connection, ``FREE`` frees its channel. ``REASON`` returns a number that says why shaking hands failed; ``RESUMED``
    whether an earlier session was resumed.
channel
    what ``OPEN`` returned; 0 without one.
data, size
    an address and a number of bytes.

It returns ``WAIT`` if an event must come first, and ``BROKEN`` if the connection failed. It never blocks.
"""

from __future__ import annotations

from numba import types

from loadgen.native import libc
from loadgen.native.compiled import compile_function

OPEN, SHAKE_HANDS, SEND, RECEIVE, CLOSE, FREE, REASON, RESUMED = range(8)

WAIT, BROKEN = -1, -2

TRANSPORT = types.int64(types.int64, types.int64, types.int64, types.int64, types.int64)


@compile_function(TRANSPORT, pointer=True)
def plain(operation: int, channel: int, fd: int, data: int, size: int) -> int:  # noqa: ARG001 - part of the contract
    """Carry bytes as they are."""
    moved = 0
    if operation == SEND:
        moved = libc.send(fd, data, size, libc.MSG_NOSIGNAL)
    elif operation == RECEIVE:
        moved = libc.recv(fd, data, size, 0)
    if moved >= 0:
        return moved
    return WAIT if libc.last_error() == libc.EAGAIN else BROKEN
