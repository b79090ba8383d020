"""The steps of one client's connection, as compiled code.

No step blocks; :mod:`loadgen.engine.loop` decides which connection takes a step, and when.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from loadgen.engine import closing, counting, error_kinds, schedule
from loadgen.engine.client_state import CONNECTING, IDLE, PAUSED, REOPENING, SENDING, SHAKING_HANDS, WAITING
from loadgen.engine.transport import BROKEN, OPEN, REASON, RECEIVE, RESUMED, SEND, SHAKE_HANDS, WAIT
from loadgen.engine.workspace import BUFFER_BYTES, CONNECT, EVENTS_AT_ONCE, HANDSHAKE, LATENCY, SERVICE, STATUSES
from loadgen.native import libc
from loadgen.native.compiled import inline
from loadgen.protocols.parser import DONE, FAILED, KIND, PROTOCOL, STATUS, WILL_CLOSE, WRONG


@inline
def open_connection(w: Any, transport: Any, index: int, now_ns: int) -> None:
    """Start connecting. In the closed loop a request waits for the connection; its latency counts from ``since_ns``."""
    c, counters, settings = w.connections[index], w.counters[0], w.settings[0]
    number = counters.attempts
    counters.attempts += 1
    target = settings.requests + 1 + number % settings.targets
    family = w.parts[target, 1]
    c.connect_ns = now_ns
    c.fd = libc.open_socket(family, libc.SOCK_FLAGS, 0)
    if c.fd < 0:
        closing.fail(w, transport, index, error_kinds.NO_SOCKET, now_ns)
        return
    w.scratch[0] = 1  # read as an int of 4 bytes
    on = w.scratch.ctypes.data
    if family != libc.AF_UNIX:
        libc.setsockopt(c.fd, libc.IPPROTO_TCP, libc.TCP_NODELAY, on, 4)
    c.state = CONNECTING
    counters.connecting += 1
    c.until_ns = now_ns + settings.connect_timeout_ns
    c.left = settings.requests_per_connection
    c.reused, c.ended = 0, 0
    status = 0
    if settings.sources:
        libc.setsockopt(c.fd, libc.IPPROTO_IP, libc.IP_BIND_ADDRESS_NO_PORT, on, 4)
        source = settings.requests + 1 + settings.targets + number // settings.targets % settings.sources
        begin = w.parts[source, 0]
        status = libc.bind(c.fd, w.payload.ctypes.data + begin, w.parts[source + 1, 0] - begin)
    if status == 0:
        begin = w.parts[target, 0]
        status = libc.connect(c.fd, w.payload.ctypes.data + begin, w.parts[target + 1, 0] - begin)
    if status < 0 and libc.last_error() != libc.EINPROGRESS:
        closing.fail(w, transport, index, closing.error_kind(libc.last_error()), now_ns)
        return
    w.events[EVENTS_AT_ONCE].events = libc.INTEREST
    w.events[EVENTS_AT_ONCE].index = index
    event = w.events[EVENTS_AT_ONCE:].ctypes.data
    libc.epoll_ctl(settings.epoll, libc.EPOLL_CTL_ADD, c.fd, event)
    if status == 0:
        _connected(w, transport, index, libc.clock_ns(libc.MONOTONIC, w.scratch))


@inline
def on_event(w: Any, parse: Any, transport: Any, index: int, events: int) -> None:
    """Take the steps that the events on the connection allow."""
    c = w.connections[index]
    if events & libc.BROKEN and not c.ended:
        c.ended = 1
    now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    if c.state == CONNECTING:
        error = closing.socket_error(w, c.fd)
        if error:
            closing.fail(w, transport, index, closing.error_kind(error), now_ns)
            return
        _connected(w, transport, index, now_ns)
    elif c.state == SHAKING_HANDS:
        _shake_hands(w, transport, index, now_ns)
    elif c.state == SENDING:
        _send(w, transport, index)
    unread = c.ended or events & libc.READABLE
    for _ in range(2):  # a reply, and the end of the stream after it
        if unread and c.state in (SENDING, WAITING):  # a server may answer before it has received everything
            _receive(w, parse, transport, index, now_ns)
        elif unread and c.state == IDLE:
            _read_idle(w, transport, index, now_ns)
        unread = c.ended == 1
    if c.state == REOPENING:
        open_connection(w, transport, index, now_ns)


@inline
def on_timer(w: Any, transport: Any, index: int, now_ns: int) -> None:
    """End a pause, or fail what has timed out."""
    c = w.connections[index]
    if c.state == PAUSED:
        c.since_ns = now_ns
        open_connection(w, transport, index, now_ns)
    elif c.state in (CONNECTING, SHAKING_HANDS):
        closing.fail(w, transport, index, error_kinds.CONNECT_TIMEOUT, now_ns)
    elif c.state in (SENDING, WAITING):
        gone = c.ended == closing.UNTIL_RESET
        closing.fail(w, transport, index, error_kinds.CLOSED_EARLY if gone else error_kinds.REPLY_TIMEOUT, now_ns)


@inline
def start_request(w: Any, transport: Any, index: int, since_ns: int, now_ns: int) -> None:
    """Send the next request, whose latency counts from ``since_ns``."""
    c, counters = w.connections[index], w.counters[0]
    c.since_ns = since_ns
    c.again = 0
    counters.issued += schedule.is_counted(w, since_ns)
    requests = w.settings[0].requests
    if requests > 1:
        c.request = int(np.random.random() * requests) if w.settings[0].random_order else counters.request
        counters.request = (counters.request + 1) % requests
    _begin_request(w, transport, index, now_ns)


@inline
def _begin_request(w: Any, transport: Any, index: int, now_ns: int) -> None:
    c = w.connections[index]
    c.sent_ns = now_ns
    c.until_ns = now_ns + w.settings[0].timeout_ns
    c.state = SENDING
    c.sent, c.received = 0, 0
    counting.note_busy(w, 1, now_ns)
    w.parsers[index, :] = 0
    w.parsers[index, KIND] = w.parts[c.request, 1]
    _send(w, transport, index)


@inline
def _connected(w: Any, transport: Any, index: int, now_ns: int) -> None:
    c, counters = w.connections[index], w.counters[0]
    if counters.measuring or not counters.started:  # those of the warm-up do not count
        counting.note(w, CONNECT, now_ns - c.connect_ns)
    if w.settings[0].context == 0:
        _established(w, transport, index, now_ns)
        return
    c.channel = transport(OPEN, w.settings[0].context, c.fd, c.channel, 0)
    c.connect_ns = now_ns
    c.state = SHAKING_HANDS
    _shake_hands(w, transport, index, now_ns)


@inline
def _shake_hands(w: Any, transport: Any, index: int, now_ns: int) -> None:
    c, counters = w.connections[index], w.counters[0]
    status = transport(SHAKE_HANDS, c.channel, c.fd, 0, 0)
    if status == BROKEN:
        counters.handshake_error = transport(REASON, c.channel, c.fd, 0, 0)
        closing.fail(w, transport, index, error_kinds.NO_HANDSHAKE, now_ns)
    elif status != WAIT:
        now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)  # the whole handshake may have taken one step
        if counters.measuring or not counters.started:
            counting.note(w, HANDSHAKE, now_ns - c.connect_ns)
            counters.resumed += transport(RESUMED, c.channel, c.fd, 0, 0)
        _established(w, transport, index, now_ns)


@inline
def _established(w: Any, transport: Any, index: int, now_ns: int) -> None:
    c, counters = w.connections[index], w.counters[0]
    if not c.tried:
        c.tried = 1
        counters.tried += 1
        counters.connected += 1
    counters.connecting -= 1
    counters.established += 1
    counters.opens += counters.measuring
    if c.again:
        _begin_request(w, transport, index, now_ns)
    elif w.settings[0].open_loop or not counters.started or not schedule.may_send(w):
        _wait_for_request(w, index, now_ns)
    else:
        start_request(w, transport, index, c.since_ns, now_ns)


@inline
def _wait_for_request(w: Any, index: int, now_ns: int) -> None:
    w.connections[index].state = IDLE
    w.connections[index].until_ns = schedule.NEVER_NS
    schedule.rest(w, index, now_ns)


@inline
def _send(w: Any, transport: Any, index: int) -> None:
    c = w.connections[index]
    while True:
        begin = w.parts[c.request, 0] + c.sent
        size = w.parts[c.request + 1, 0] - begin
        sent = transport(SEND, c.channel, c.fd, np.int64(w.payload.ctypes.data) + begin, size)
        if sent < 0:  # if the connection broke, an event follows, with which a reply that came before is read
            return
        w.counters[0].sent_bytes += sent
        c.sent += sent
        if sent == size:
            c.state = WAITING
            return


@inline
def _receive(w: Any, parse: Any, transport: Any, index: int, now_ns: int) -> None:
    c = w.connections[index]
    while True:
        size = transport(RECEIVE, c.channel, c.fd, np.int64(w.buffer.ctypes.data), BUFFER_BYTES)
        if size == WAIT:
            return
        if size == BROKEN:
            closing.lose(w, transport, index, error_kinds.RESET, now_ns)
            return
        c.received += size
        w.counters[0].received_bytes += size
        reply = parse(w.parsers[index], w.buffer, size, w.memory, w.numbers)
        wrong = reply == WRONG or 0 < reply < size  # bytes after a reply belong to no request
        if wrong or reply == PROTOCOL:
            closing.fail(w, transport, index, error_kinds.WRONG_REPLY if wrong else error_kinds.BROKEN_PROTOCOL, now_ns)
            return
        if reply > 0 or reply == DONE:
            if now_ns > c.until_ns:
                closing.fail(w, transport, index, error_kinds.REPLY_TIMEOUT, now_ns)
            else:
                _finish_request(w, transport, index, now_ns)
            return
        if size == 0:
            # The kernel reports a reset once: to the send, if that came first.
            closing.lose(
                w, transport, index, error_kinds.RESET if c.state == SENDING else error_kinds.CLOSED_EARLY, now_ns
            )
            return
        # If the buffer is not full, nothing more has arrived, and an event will follow; a channel may hold more.
        if size < BUFFER_BYTES and c.ended == 0 and c.channel == 0:
            return


@inline
def _read_idle(w: Any, transport: Any, index: int, now_ns: int) -> None:
    """Handle input on a connection that has no request in flight."""
    c = w.connections[index]
    size = transport(RECEIVE, c.channel, c.fd, np.int64(w.buffer.ctypes.data), BUFFER_BYTES)
    if size > 0:
        closing.fail(w, transport, index, error_kinds.WRONG_REPLY, now_ns)  # it belongs to no request
    elif size != WAIT and (w.settings[0].may_close or (size == 0 and w.counters[0].started)):
        # A server may close an idle connection. One that has not served a request is not replaced at once: a server
        # that closes all of them would be asked for the next without end.
        if c.served:
            closing.reopen(w, transport, index, now_ns)
        else:
            closing.drop(w, transport, index, now_ns)
    elif size != WAIT:
        closing.fail(w, transport, index, error_kinds.CLOSED_EARLY if size == 0 else error_kinds.RESET, now_ns)


@inline
def _finish_request(w: Any, transport: Any, index: int, now_ns: int) -> None:
    c, counters, buffer = w.connections[index], w.counters[0], w.counters[0].current_buffer
    status, announced = w.parsers[index, STATUS], w.parsers[index, WILL_CLOSE]
    counters.answered += status != FAILED and status < 400
    if schedule.is_counted(w, c.since_ns):
        counting.note_finished(w, now_ns)
        if 0 < status < FAILED:
            counters.statuses[min(status, STATUSES - 1)] += 1
        if status == FAILED:
            w.counted[buffer, 1 + error_kinds.HANDLER_FAILED] += 1
        elif status >= 400:
            w.counted[buffer, 1 + (error_kinds.HTTP_4XX if status < 500 else error_kinds.HTTP_5XX)] += 1
        else:
            w.counted[buffer, 1 + error_kinds.LATE if c.late else 0] += 1
            counting.note(w, LATENCY + buffer, now_ns - c.since_ns)
            counting.note(w, SERVICE + buffer, now_ns - c.sent_ns)
    if counters.traced < len(w.trace) and counters.measuring:
        row = counters.traced
        w.trace[row, 0], w.trace[row, 1], w.trace[row, 2] = index, c.since_ns, now_ns
        counters.traced += 1
    c.owed, c.again, c.late = 0, 0, 0
    c.reused, c.served = 1, 1
    c.left -= 1
    unannounced = c.ended and not announced and w.settings[0].may_close
    last = announced or unannounced or c.state == SENDING
    if c.left == 0 or last:
        # Do not wait for the server to close its side: the next connection opens at once.
        begin, end = w.parts[w.settings[0].requests, 0], w.parts[w.settings[0].requests + 1, 0]
        if not last and begin < end:
            transport(SEND, c.channel, c.fd, np.int64(w.payload.ctypes.data) + begin, end - begin)
        counters.reconnections += counters.measuring and unannounced and c.left != 0
        closing.close(w, transport, index, now_ns)
        c.since_ns = now_ns
        c.state = REOPENING
        return
    counting.count_answer(w, index, now_ns)
    if w.settings[0].open_loop or w.settings[0].think_ns or not schedule.may_send(w):
        _wait_for_request(w, index, now_ns)
    else:
        start_request(w, transport, index, now_ns, now_ns)
