"""A compiled server that does nothing but answer: what is left is the generator's own cost."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import from_dtype, types

from loadgen import libc
from loadgen.compiled import compiled
from loadgen.workspace import as_bytes

_BACKLOG = 4096
_BUFFER_BYTES = 65536
_LISTENER = -1

_EVENTS = from_dtype(libc.EVENT)[::1]
_BYTES = types.uint8[::1]


@compiled(types.void(types.int32, types.int32, _BYTES, types.int64, types.int64[::1], _EVENTS, _EVENTS, _BYTES))
def _serve(  # noqa: PLR0917 - compiled code takes no keywords
    listener: int, epoll: int, reply: Any, request_bytes: int, stop: Any, events: Any, event: Any, buffer: Any
) -> None:
    """Answer every ``request_bytes`` received with ``reply``, until ``stop[0]``."""
    while stop[0] == 0:
        ready = libc.epoll_wait(epoll, events.ctypes.data, len(events), 20)
        for i in range(ready):
            fd = events[i].index
            if fd == _LISTENER:
                while True:
                    fd = libc.accept4(listener, 0, 0, libc.ACCEPT_FLAGS)
                    if fd < 0:
                        break
                    event[0].events = libc.READABLE | libc.BROKEN | libc.EDGE
                    event[0].index = fd
                    libc.epoll_ctl(epoll, libc.EPOLL_CTL_ADD, fd, event.ctypes.data)
                continue
            size = libc.recv(fd, buffer.ctypes.data, len(buffer), 0)
            if size <= 0:
                if size == 0 or libc.last_error() != libc.EAGAIN:
                    libc.close(fd)
                continue
            # A request is never cut: the generator sends each by one call, and waits for the answer.
            for _ in range(max(1, size // request_bytes)):
                libc.send(fd, reply.ctypes.data, len(reply), libc.MSG_NOSIGNAL)


@contextlib.contextmanager
def responder(request: bytes, reply: bytes) -> Iterator[int]:
    """Serve on a loopback port of its own, in a thread without the GIL, and give the port.

    Args:
        request: what each request looks like; only its length matters.
        reply: what each is answered with.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener, select.epoll() as epoll:
        listener.setblocking(False)
        libc.watch(epoll.fileno(), listener.fileno(), np.array([(libc.READABLE, _LISTENER)], libc.EVENT))
        stop = np.zeros(1, np.int64)
        arguments = (
            *(listener.fileno(), epoll.fileno(), as_bytes(reply), len(request), stop),
            *(np.zeros(512, libc.EVENT), np.zeros(1, libc.EVENT), np.zeros(_BUFFER_BYTES, np.uint8)),
        )
        thread = threading.Thread(target=_serve, args=arguments, name="responder")
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop[0] = 1
            thread.join()
