"""One client's connection: what is known of it, and the steps it takes, as compiled code.

Every step ends at once; the loop that decides who takes a step, and when, is elsewhere (:mod:`loadgen.closed_loop`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, types

from loadgen import histogram, libc
from loadgen.compiled import inlined
from loadgen.wires import MORE, WRONG

PAUSED, REOPENING, CONNECTING, SENDING, WAITING = range(5)

ERRORS = ("refused", "connect_timeout", "reset", "closed_early", "reply_timeout", "wrong_reply", "no_socket")
"""Kinds of failed requests; their numbers index ``tally.errors``."""
REFUSED, CONNECT_TIMEOUT, RESET, CLOSED_EARLY, REPLY_TIMEOUT, WRONG_REPLY, NO_SOCKET = range(len(ERRORS))

PAUSE_AFTER_ERROR_NS = 10_000_000  # so that a dead server is asked 100 times a second, not a million times
MAX_REPLY_BYTES = 4096

CONNECTION = np.dtype(
    [
        ("fd", np.int32),
        ("state", np.int32),
        ("left", np.int64),  # requests left in the conversation; below 0: keepalive
        ("sent", np.int64),  # bytes of the request
        ("received", np.int64),  # bytes of the reply
        ("since_ns", np.int64),  # the client wants its reply since
        ("connect_ns", np.int64),  # connecting since
        ("until_ns", np.int64),  # end of the pause, or of patience
    ],
    align=True,
)

SETTINGS = np.dtype(
    [
        ("epoll", np.int32),
        ("family", np.int32),
        ("timeout_ns", np.int64),
        ("conversation", np.int64),
        ("begin_ns", np.int64),  # of the window
        ("end_ns", np.int64),
    ],
    align=True,
)

TALLY = np.dtype(
    [
        ("cancel", np.int64),  # set from outside: end now
        ("measuring", np.int64),
        ("requests", np.int64),
        ("began_ns", np.int64),
        ("ended_ns", np.int64),
        ("waited_ns", np.int64),  # in epoll_wait()
        ("cpu_ns", np.int64),
        ("unfinished", np.int64),
        ("oldest_ns", np.int64),  # age of the oldest of those
        ("age_before_ns", np.int64),  # sum of the ages of what was in flight when the window began
        ("age_after_ns", np.int64),  # and when it ended
        ("errors", np.int64, (len(ERRORS),)),
    ],
    align=True,
)


class Workspace(NamedTuple):
    """All that compiled code reads and writes; one for each engine thread, allocated once.

    Attributes:
        settings: SETTINGS[1].
        tally: TALLY[1].
        connections: CONNECTION[n].
        address: the server's ``struct sockaddr``, uint8[:].
        request: uint8[:].
        quit: uint8[:].
        received: uint8[n, MAX_REPLY_BYTES].
        latency: int64[BUCKETS].
        latency_extremes: EXTREMES[1].
        connect: int64[BUCKETS].
        connect_extremes: EXTREMES[1].
        events: libc.EVENT[m], filled by the kernel.
        event: libc.EVENT[1], read by the kernel.
        clock: int64[2], for the clock.
        option: int32[2], for socket options.
    """

    settings: Any
    tally: Any
    connections: Any
    address: Any
    request: Any
    quit: Any
    received: Any
    latency: Any
    latency_extremes: Any
    connect: Any
    connect_extremes: Any
    events: Any
    event: Any
    clock: Any
    option: Any


WORKSPACE = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        from_dtype(SETTINGS)[::1],
        from_dtype(TALLY)[::1],
        from_dtype(CONNECTION)[::1],
        types.uint8[::1],
        types.uint8[::1],
        types.uint8[::1],
        types.uint8[:, ::1],
        types.int64[::1],
        from_dtype(histogram.EXTREMES)[::1],
        types.int64[::1],
        from_dtype(histogram.EXTREMES)[::1],
        from_dtype(libc.EVENT)[::1],
        from_dtype(libc.EVENT)[::1],
        types.int64[::1],
        types.int32[::1],
    ),
    Workspace,
)


@inlined
def open_connection(w: Any, index: int, now_ns: int) -> None:
    """Start connecting; the wish to send, and so the latency, began at ``since_ns``."""
    c = w.connections[index]
    c.fd = libc.open_socket(w.settings[0].family, libc.SOCK_FLAGS, 0)
    if c.fd < 0:
        fail(w, index, NO_SOCKET, now_ns)
        return
    w.option[0] = 1
    libc.setsockopt(c.fd, libc.IPPROTO_TCP, libc.TCP_NODELAY, w.option.ctypes.data, 4)
    c.state = CONNECTING
    c.connect_ns = now_ns
    c.until_ns = now_ns + w.settings[0].timeout_ns
    c.left = w.settings[0].conversation
    status = libc.connect(c.fd, w.address.ctypes.data, len(w.address))
    if status < 0 and libc.last_error() != libc.EINPROGRESS:
        fail(w, index, _kind_of(libc.last_error()), now_ns)
        return
    w.event[0].events = libc.INTEREST
    w.event[0].index = index
    libc.epoll_ctl(w.settings[0].epoll, libc.EPOLL_CTL_ADD, c.fd, w.event.ctypes.data)
    if status == 0:
        _connected(w, index, now_ns)


@inlined
def on_event(w: Any, scan: Any, index: int, events: int) -> None:
    """Take the steps that what happened to the connection allows."""
    c = w.connections[index]
    broken = events & libc.BROKEN != 0
    unread = broken or events & libc.READABLE != 0
    now_ns = libc.clock_ns(libc.MONOTONIC, w.clock)
    if c.state == CONNECTING:
        w.option[0], w.option[1] = 0, 4
        address = w.option.ctypes.data
        libc.getsockopt(c.fd, libc.SOL_SOCKET, libc.SO_ERROR, address, address + 4)
        if w.option[0] != 0:
            fail(w, index, _kind_of(w.option[0]), now_ns)
            return
        _connected(w, index, now_ns)
    elif c.state == SENDING:
        _send(w, index, now_ns)
    elif c.state == WAITING:
        _receive(w, scan, index, now_ns)
        unread = broken
    if broken and c.state == SENDING:
        fail(w, index, RESET, now_ns)
    elif unread and c.state == WAITING:
        # The server's end of the stream came in one event with bytes before it, or bytes came in one with the
        # connection; no other event will tell.
        _receive(w, scan, index, now_ns)
    if c.state == REOPENING:
        open_connection(w, index, now_ns)


@inlined
def on_timer(w: Any, index: int, now_ns: int) -> None:
    """End a pause or a client's patience."""
    state = w.connections[index].state
    if state == PAUSED:
        w.connections[index].since_ns = now_ns
        open_connection(w, index, now_ns)
    elif state == CONNECTING:
        fail(w, index, CONNECT_TIMEOUT, now_ns)
    else:
        fail(w, index, REPLY_TIMEOUT, now_ns)


@inlined
def fail(w: Any, index: int, kind: int, now_ns: int) -> None:
    """Count a failed request, drop its connection and pause."""
    c = w.connections[index]
    if w.tally[0].measuring:
        w.tally[0].errors[kind] += 1
    if c.fd >= 0:
        libc.close(c.fd)
    c.fd = -1
    c.state = PAUSED
    c.until_ns = now_ns + PAUSE_AFTER_ERROR_NS


@inlined
def _kind_of(error: int) -> int:
    """Return the kind for what connecting failed with."""
    if error == libc.ECONNRESET:
        return RESET
    if error == libc.ETIMEDOUT:
        return CONNECT_TIMEOUT
    if error == libc.EADDRNOTAVAIL:  # all ports of this machine are taken
        return NO_SOCKET
    return REFUSED  # by the server or, unreachable, by the network


@inlined
def _connected(w: Any, index: int, now_ns: int) -> None:
    if w.tally[0].measuring:
        histogram.count(w.connect, w.connect_extremes[0], now_ns - w.connections[index].connect_ns)
    _ask(w, index, now_ns)


@inlined
def _ask(w: Any, index: int, now_ns: int) -> None:
    c = w.connections[index]
    c.state = SENDING
    c.sent = 0
    c.received = 0
    c.until_ns = now_ns + w.settings[0].timeout_ns
    _send(w, index, now_ns)


@inlined
def _send(w: Any, index: int, now_ns: int) -> None:
    c = w.connections[index]
    size = len(w.request) - c.sent
    sent = libc.send(c.fd, w.request.ctypes.data + c.sent, size, libc.MSG_NOSIGNAL)
    if sent < 0:
        if libc.last_error() != libc.EAGAIN:
            fail(w, index, RESET, now_ns)
        return
    c.sent += sent
    if c.sent == len(w.request):
        c.state = WAITING


@inlined
def _receive(w: Any, scan: Any, index: int, now_ns: int) -> None:
    c = w.connections[index]
    into = w.received[index]
    size = libc.recv(c.fd, into.ctypes.data + c.received, MAX_REPLY_BYTES - c.received, 0)
    if size < 0:
        if libc.last_error() != libc.EAGAIN:
            fail(w, index, RESET, now_ns)
        return
    if size == 0:
        fail(w, index, CLOSED_EARLY, now_ns)
        return
    c.received += size
    reply = scan(into, c.received)
    if reply == WRONG or (reply == MORE and c.received == MAX_REPLY_BYTES) or c.received > reply > 0:
        fail(w, index, WRONG_REPLY, now_ns)  # bytes after a reply answer nothing that was asked
    elif reply != MORE:
        _answered(w, index, now_ns)


@inlined
def _answered(w: Any, index: int, now_ns: int) -> None:
    c = w.connections[index]
    if w.tally[0].measuring:
        w.tally[0].requests += 1
        histogram.count(w.latency, w.latency_extremes[0], now_ns - c.since_ns)
    c.since_ns = now_ns
    c.left -= 1
    if c.left != 0:
        _ask(w, index, now_ns)
        return
    # Nothing waits for the server's side of the farewell: the next connection is already on its way.
    libc.send(c.fd, w.quit.ctypes.data, len(w.quit), libc.MSG_NOSIGNAL)
    libc.close(c.fd)
    c.fd = -1
    c.state = REOPENING
