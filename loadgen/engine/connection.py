"""The steps of one client's connection, as compiled code.

No step blocks; :mod:`loadgen.engine.loop` decides which connection takes a step, and when.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from loadgen.engine import error_kinds, schedule
from loadgen.engine.workspace import BUFFER_BYTES, CONNECT, EVENTS_AT_ONCE, LATENCY, SERVICE
from loadgen.histograms import histogram
from loadgen.native import libc
from loadgen.native.compiled import inline
from loadgen.protocols.parser import DONE, FAILED, PROTOCOL, STATUS, WILL_CLOSE, WRONG

PAUSED, REOPENING, CONNECTING, IDLE, SENDING, WAITING = range(6)  # established from IDLE on

PAUSE_AFTER_ERROR_NS = 10_000_000  # so that a dead server gets 100 attempts per second, not a million


@inline
def open_connection(w: Any, index: int, now_ns: int) -> None:
    """Start connecting. In the closed loop a request waits for the connection; its latency counts from ``since_ns``."""
    c = w.connections[index]
    c.connect_ns = now_ns
    c.fd = libc.open_socket(w.settings[0].family, libc.SOCK_FLAGS, 0)
    if c.fd < 0:
        fail(w, index, error_kinds.NO_SOCKET, now_ns)
        return
    w.scratch[0] = 1  # read as an int of 4 bytes
    libc.setsockopt(c.fd, libc.IPPROTO_TCP, libc.TCP_NODELAY, w.scratch.ctypes.data, 4)
    c.state = CONNECTING
    c.until_ns = now_ns + w.settings[0].connect_timeout_ns
    c.left = w.settings[0].requests_per_connection
    address = w.starts[len(w.starts) - 2]
    status = libc.connect(c.fd, w.payload.ctypes.data + address, w.starts[len(w.starts) - 1] - address)
    if status < 0 and libc.last_error() != libc.EINPROGRESS:
        fail(w, index, _error_kind(libc.last_error()), now_ns)
        return
    w.events[EVENTS_AT_ONCE].events = libc.INTEREST
    w.events[EVENTS_AT_ONCE].index = index
    event = w.events[EVENTS_AT_ONCE:].ctypes.data
    libc.epoll_ctl(w.settings[0].epoll, libc.EPOLL_CTL_ADD, c.fd, event)
    if status == 0:
        _finish_connect(w, index, now_ns)


@inline
def on_event(w: Any, parse: Any, index: int, events: int) -> None:
    """Take the steps that the events on the connection allow."""
    c = w.connections[index]
    broken = events & libc.BROKEN != 0
    unread = broken or events & libc.READABLE != 0
    now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    if c.state == CONNECTING:
        w.scratch[0], w.scratch[1] = 0, 4
        error = w.scratch.ctypes.data
        libc.getsockopt(c.fd, libc.SOL_SOCKET, libc.SO_ERROR, error, error + 8)
        if w.scratch[0] != 0:
            fail(w, index, _error_kind(w.scratch[0]), now_ns)
            return
        _finish_connect(w, index, now_ns)
    elif c.state == SENDING:
        _send(w, index, now_ns)
    elif c.state == WAITING:
        _receive(w, parse, index, now_ns)
        unread = broken
    if broken and c.state == SENDING:
        fail(w, index, error_kinds.RESET, now_ns)
    elif unread and c.state == WAITING:
        # One event may report both bytes and the end of the stream, or both the connection and its first bytes; no
        # other event follows.
        _receive(w, parse, index, now_ns)
    elif unread and c.state == IDLE:
        _read_idle(w, index, now_ns)
    if c.state == REOPENING:
        open_connection(w, index, now_ns)


@inline
def on_timer(w: Any, index: int, now_ns: int) -> None:
    """End a pause, or fail what has timed out."""
    c = w.connections[index]
    if c.state == PAUSED:
        c.since_ns = now_ns
        open_connection(w, index, now_ns)
    elif c.state == CONNECTING:
        fail(w, index, error_kinds.CONNECT_TIMEOUT, now_ns)
    elif c.state in (SENDING, WAITING):
        fail(w, index, error_kinds.REPLY_TIMEOUT, now_ns)


@inline
def start_request(w: Any, index: int, since_ns: int, now_ns: int) -> None:
    """Send the next request, whose latency counts from ``since_ns``."""
    c, counters = w.connections[index], w.counters[0]
    c.since_ns = since_ns
    c.sent_ns = now_ns
    c.until_ns = now_ns + w.settings[0].timeout_ns
    c.state = SENDING
    c.sent = 0
    note_busy(w, 1, now_ns)
    requests = len(w.starts) - 3
    if requests > 1:
        c.request = np.random.randint(requests) if w.settings[0].random_order else counters.request
        counters.request = (counters.request + 1) % requests
    w.parsers[index, :] = 0
    _send(w, index, now_ns)


@inline
def _note(w: Any, row: int, value_ns: int) -> None:
    histogram.count(w.times[row], w.extremes[row], value_ns)


@inline
def note_busy(w: Any, change: int, now_ns: int) -> None:
    """Change the number of requests sent and not yet answered, and add to its integral over time."""
    counters = w.counters[0]
    counters.busy_ns += counters.busy * (now_ns - counters.busy_since_ns)
    counters.busy_since_ns = now_ns
    counters.busy += change


@inline
def _count_answer(w: Any, index: int, now_ns: int) -> None:
    counters = w.counters[0]
    counters.served_ns += now_ns - max(w.connections[index].sent_ns, counters.began_ns)
    note_busy(w, -1, now_ns)


@inline
def fail(w: Any, index: int, kind: int, now_ns: int) -> None:
    """Count a failed request or connection, drop the connection and pause."""
    c, counters, buffer = w.connections[index], w.counters[0], w.counters[0].current_buffer
    counted = schedule.is_counted(w, c.since_ns) if c.owed or not w.settings[0].open_loop else counters.measuring
    if counted or not counters.started:  # failures before the timing begins count too
        w.counted[buffer, 1 + kind] += 1
        if counters.started and (
            kind == error_kinds.REPLY_TIMEOUT or (kind == error_kinds.CONNECT_TIMEOUT and not w.settings[0].open_loop)
        ):
            # It would have taken at least this long; leaving it out would improve the percentiles.
            took_ns = now_ns - c.since_ns
            _note(w, LATENCY + buffer, took_ns)
            if kind == error_kinds.REPLY_TIMEOUT:
                _note(w, SERVICE + buffer, now_ns - c.sent_ns)
            if counters.censored == 0 or took_ns < counters.censored_min_ns:
                counters.censored_min_ns = took_ns
            counters.censored += 1
    if not c.tried:
        c.tried = 1
        counters.tried += 1
    drop(w, index, now_ns)


@inline
def drop(w: Any, index: int, now_ns: int) -> None:
    """Close a connection and pause before the next."""
    c = w.connections[index]
    if c.state in (SENDING, WAITING):
        _count_answer(w, index, now_ns)
    c.owed = 0
    if c.fd >= 0:
        libc.close(c.fd)
    c.fd = -1
    c.state = PAUSED
    c.until_ns = now_ns + PAUSE_AFTER_ERROR_NS


@inline
def _error_kind(error: int) -> int:
    """Return the kind of a failure to connect with this ``errno``."""
    if error == libc.ECONNRESET:
        return error_kinds.RESET
    if error == libc.ETIMEDOUT:
        return error_kinds.CONNECT_TIMEOUT
    if error == libc.EADDRNOTAVAIL:  # all local ports are in use
        return error_kinds.NO_SOCKET
    return error_kinds.REFUSED  # by the server or, if it is unreachable, by the network


@inline
def _finish_connect(w: Any, index: int, now_ns: int) -> None:
    c, counters = w.connections[index], w.counters[0]
    if not c.tried:
        c.tried = 1
        counters.tried += 1
        counters.connected += 1
    if counters.measuring or not counters.started:  # those of the warm-up do not count
        _note(w, CONNECT, now_ns - c.connect_ns)
    if w.settings[0].open_loop or not counters.started:
        schedule.rest(w, index, now_ns)
        c.state = IDLE
        c.until_ns = schedule.NEVER_NS
    else:
        start_request(w, index, c.since_ns, now_ns)


@inline
def _send(w: Any, index: int, now_ns: int) -> None:
    c = w.connections[index]
    begin = w.starts[c.request] + c.sent
    size = w.starts[c.request + 1] - begin
    sent = libc.send(c.fd, w.payload.ctypes.data + begin, size, libc.MSG_NOSIGNAL)
    if sent == size:
        c.state = WAITING
    elif sent >= 0:
        c.sent += sent
    elif libc.last_error() != libc.EAGAIN:
        fail(w, index, error_kinds.RESET, now_ns)


@inline
def _receive(w: Any, parse: Any, index: int, now_ns: int) -> None:
    c = w.connections[index]
    while True:
        size = libc.recv(c.fd, w.buffer.ctypes.data, BUFFER_BYTES, 0)
        if size < 0:
            if libc.last_error() != libc.EAGAIN:
                fail(w, index, error_kinds.RESET, now_ns)
            return
        reply = parse(w.parsers[index], w.buffer, size, w.memory, w.numbers)
        if reply == WRONG or 0 < reply < size:
            fail(w, index, error_kinds.WRONG_REPLY, now_ns)  # bytes after a reply belong to no request
            return
        if reply == PROTOCOL:
            fail(w, index, error_kinds.BROKEN_PROTOCOL, now_ns)
            return
        if reply > 0 or reply == DONE:
            _finish_request(w, index, now_ns)
            return
        if size == 0:
            fail(w, index, error_kinds.CLOSED_EARLY, now_ns)
            return
        if size < BUFFER_BYTES:  # nothing more has arrived yet; an event will follow
            return


@inline
def _read_idle(w: Any, index: int, now_ns: int) -> None:
    """Handle input on a connection that has no request in flight."""
    size = libc.recv(w.connections[index].fd, w.buffer.ctypes.data, BUFFER_BYTES, 0)
    if size > 0:
        fail(w, index, error_kinds.WRONG_REPLY, now_ns)  # it belongs to no request
    elif size == 0 and w.counters[0].started:
        drop(w, index, now_ns)  # a server may close an idle connection
    elif size == 0:
        fail(w, index, error_kinds.CLOSED_EARLY, now_ns)
    elif libc.last_error() != libc.EAGAIN:
        fail(w, index, error_kinds.RESET, now_ns)


@inline
def _finish_request(w: Any, index: int, now_ns: int) -> None:
    c, buffer = w.connections[index], w.counters[0].current_buffer
    status, closing = w.parsers[index, STATUS], w.parsers[index, WILL_CLOSE]
    w.counters[0].answered += status != FAILED and status < 400
    if schedule.is_counted(w, c.since_ns):
        if 0 < status < FAILED:
            w.counters[0].statuses[min(status // 100, 5)] += 1
        if status == FAILED:
            w.counted[buffer, 1 + error_kinds.HANDLER_FAILED] += 1
        elif status >= 400:
            w.counted[buffer, 1 + (error_kinds.HTTP_4XX if status < 500 else error_kinds.HTTP_5XX)] += 1
        else:
            w.counted[buffer, 1 + error_kinds.LATE if c.late else 0] += 1
            _note(w, LATENCY + buffer, now_ns - c.since_ns)
            _note(w, SERVICE + buffer, now_ns - c.sent_ns)
    _count_answer(w, index, now_ns)
    if w.counters[0].traced < len(w.trace) and w.counters[0].measuring:
        row = w.counters[0].traced
        w.trace[row, 0], w.trace[row, 1], w.trace[row, 2] = index, c.since_ns, now_ns
        w.counters[0].traced += 1
    c.owed = 0
    c.left -= 1
    if c.left == 0 or closing:
        # Do not wait for the server to close its side: the next connection opens at once.
        begin, end = w.starts[len(w.starts) - 3], w.starts[len(w.starts) - 2]
        if not closing and begin < end:
            libc.send(c.fd, w.payload.ctypes.data + begin, end - begin, libc.MSG_NOSIGNAL)
        libc.close(c.fd)
        c.fd = -1
        c.since_ns = now_ns
        c.state = REOPENING
    elif w.settings[0].open_loop:
        c.state = IDLE
        c.until_ns = schedule.NEVER_NS
        schedule.rest(w, index, now_ns)
    else:
        start_request(w, index, now_ns, now_ns)
