"""A compiled server that only answers, so that what remains is the generator's own cost."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba import types

from loadgen.engine.workspace import BUFFER_BYTES, EVENTS_AT_ONCE, to_array
from loadgen.native import libc
from loadgen.native.compiled import compile_function, inline

BACKLOG = 4096
LISTENER = -1


@inline
def accept_all(listener: int, epoll: int, event: Any) -> None:
    """Accept all waiting connections."""
    while True:
        fd = libc.accept4(listener, 0, 0, libc.ACCEPT_FLAGS)
        if fd < 0:
            return
        event[0].events = libc.READABLE | libc.BROKEN | libc.EDGE
        event[0].index = fd
        libc.epoll_ctl(epoll, libc.EPOLL_CTL_ADD, fd, event.ctypes.data)


@compile_function(
    types.void(
        types.int32, types.int32, libc.BYTES, types.int64, types.int64[::1], libc.EVENTS, libc.EVENTS, libc.BYTES
    )
)
def _serve(  # noqa: PLR0917 - compiled code takes no keywords
    listener: int, epoll: int, reply: Any, request_bytes: int, stop: Any, events: Any, event: Any, buffer: Any
) -> None:
    """Answer every ``request_bytes`` received with ``reply``, until ``stop[0]``."""
    while stop[0] == 0:
        ready = libc.epoll_wait(epoll, events.ctypes.data, len(events), 20)
        for i in range(ready):
            fd = events[i].index
            if fd == LISTENER:
                accept_all(listener, epoll, event)
                continue
            size = libc.recv(fd, buffer.ctypes.data, len(buffer), 0)
            if size <= 0:
                if size == 0 or libc.last_error() != libc.EAGAIN:
                    libc.close(fd)
                continue
            # A request is never split: the generator sends each with one call and waits for the answer.
            for _ in range(max(1, size // request_bytes)):
                libc.send(fd, reply.ctypes.data, len(reply), libc.MSG_NOSIGNAL)


@contextlib.contextmanager
def responder(request: bytes, reply: bytes) -> Iterator[int]:
    """Serve on a free loopback port, in a thread without the GIL, and yield the port.

    Args:
        request: an example of a request; only its length matters.
        reply: the reply to each request.
    """
    with run_responder(_serve, to_array(reply), len(request)) as port:
        yield port


@contextlib.contextmanager
def run_responder(serve: Callable[..., None], *arguments: Any, timer: tuple[int, int] | None = None) -> Iterator[int]:
    """Run ``serve(listener, epoll, *arguments, stop, events, event, buffer)`` in a thread, and yield the port.

    ``timer`` is a timer to watch, and the number that stands for it in events.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener, select.epoll() as epoll:
        listener.setblocking(False)
        libc.watch(epoll.fileno(), listener.fileno(), np.array([(libc.READABLE, LISTENER)], libc.EVENT))
        if timer:
            libc.watch(epoll.fileno(), timer[0], np.array([(libc.READABLE | libc.EDGE, timer[1])], libc.EVENT))
        stop = np.zeros(1, np.int64)
        own = (stop, np.zeros(EVENTS_AT_ONCE, libc.EVENT), np.zeros(1, libc.EVENT), np.zeros(BUFFER_BYTES, np.uint8))
        thread = threading.Thread(target=serve, args=(listener.fileno(), epoll.fileno(), *arguments, *own))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop[0] = 1
            thread.join()
