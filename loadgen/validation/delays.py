"""A compiled server with known reply times, so that a load generator's figures can be compared with the truth."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numba import from_dtype, types

from loadgen.engine.workspace import to_array
from loadgen.native import libc
from loadgen.native.compiled import compile_function, inline
from loadgen.validation.responder import LISTENER, accept_all, run_responder

MAX_WAITING = 1024
_TIMER = -2
_EARLY_NS = 80_000  # spent polling, since a sleeping thread takes a while to wake
_STOP_CHECK_NS = 20_000_000  # interval between checks whether to stop

_SETTINGS = np.dtype(
    [
        ("timer", np.int64),
        ("one_by_one", np.int64),
        ("freeze_at_ns", np.int64),  # after the first request
        ("freeze_ns", np.int64),
        ("asked", np.int64),  # requests so far
        ("first_ns", np.int64),  # when the first of them came
        ("free_ns", np.int64),  # one by one: when the previous request is answered
    ],
    align=True,
)
_WAITING = np.dtype([("due_ns", np.int64), ("fd", np.int64)], align=True)


@inline
def _due_ns(settings: Any, delays_ns: Any, now_ns: int) -> int:
    """Take a request and return when to answer it."""
    if settings.asked == 0:
        settings.first_ns = now_ns
    began_ns = max(now_ns, settings.free_ns) if settings.one_by_one else now_ns
    due_ns = began_ns + delays_ns[settings.asked % len(delays_ns)]
    settings.asked += 1
    frozen_ns = settings.first_ns + settings.freeze_at_ns
    if settings.freeze_ns and frozen_ns <= due_ns < frozen_ns + settings.freeze_ns:
        due_ns = frozen_ns + settings.freeze_ns
    settings.free_ns = due_ns
    return due_ns  # type: ignore[no-any-return]


@inline
def _wait(epoll: int, settings: Any, until_ns: int, events: Any, scratch: Any) -> int:
    wake_ns = until_ns - _EARLY_NS
    if wake_ns <= libc.clock_ns(libc.MONOTONIC, scratch):
        return libc.epoll_wait(epoll, events.ctypes.data, len(events), 0)  # type: ignore[no-any-return]
    libc.set_timer(settings.timer, wake_ns, scratch)
    return libc.epoll_wait(epoll, events.ctypes.data, len(events), -1)  # type: ignore[no-any-return]


@compile_function(
    types.void(
        *(types.int32, types.int32, from_dtype(_SETTINGS)[::1], types.int64[::1], from_dtype(_WAITING)[::1]),
        *(types.int64[::1], libc.BYTES, types.int64[::1], libc.EVENTS, libc.EVENTS, libc.BYTES),
    )
)
def _serve(  # noqa: PLR0917 - compiled code takes no keywords
    listener: int,
    epoll: int,
    settings: Any,
    delays_ns: Any,
    waiting: Any,
    scratch: Any,
    reply: Any,
    stop: Any,
    events: Any,
    event: Any,
    buffer: Any,
) -> None:
    """Answer each request when it is due, until ``stop[0]``."""
    count = 0
    while stop[0] == 0:
        until_ns = libc.clock_ns(libc.MONOTONIC, scratch) + _STOP_CHECK_NS
        for i in range(count):
            until_ns = min(until_ns, waiting[i].due_ns)
        ready = _wait(epoll, settings[0], until_ns, events, scratch)
        now_ns = libc.clock_ns(libc.MONOTONIC, scratch)
        for i in range(ready):
            fd = events[i].index
            if fd == LISTENER:
                accept_all(listener, epoll, event)
            elif fd != _TIMER:
                size = libc.recv(fd, buffer.ctypes.data, len(buffer), 0)
                if size > 0 and count < len(waiting):
                    waiting[count].due_ns, waiting[count].fd = _due_ns(settings[0], delays_ns, now_ns), fd
                    count += 1
                elif size >= 0 or libc.last_error() != libc.EAGAIN:
                    libc.close(fd)
        i = 0
        while i < count:
            if waiting[i].due_ns > now_ns:
                i += 1
                continue
            libc.send(waiting[i].fd, reply.ctypes.data, len(reply), libc.MSG_NOSIGNAL)
            count -= 1
            waiting[i].due_ns, waiting[i].fd = waiting[count].due_ns, waiting[count].fd


@contextlib.contextmanager
def delaying(
    reply: bytes, delays_s: Sequence[float], *, one_by_one: bool = False, freeze: tuple[float, float] = (0.0, 0.0)
) -> Iterator[int]:
    """Serve on a free loopback port, and yield the port.

    Args:
        reply: the reply to each request; requests must be small enough to arrive in one piece.
        delays_s: how long each request takes to answer, in order, then from the first again.
        one_by_one: whether a request begins only when the previous one is answered: a queue with one server.
        freeze: a stall in which nothing is answered: its beginning in seconds after the first request, and its length.
    """
    settings = np.zeros(1, _SETTINGS)
    timer = libc.create_timer()
    settings["timer"], settings["one_by_one"] = timer, one_by_one
    settings["freeze_at_ns"], settings["freeze_ns"] = (round(seconds * 1e9) for seconds in freeze)
    delays_ns = np.array([round(seconds * 1e9) for seconds in delays_s], np.int64)
    own = (settings, delays_ns, np.zeros(MAX_WAITING, _WAITING), np.zeros(4, np.int64), to_array(reply))
    try:
        with run_responder(_serve, *own, timer=(timer, _TIMER)) as port:
            yield port
    finally:
        os.close(timer)
