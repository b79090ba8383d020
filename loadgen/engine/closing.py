"""The end of a client's connection, as compiled code: failures, and connections that the server closed."""

from __future__ import annotations

from typing import Any

from loadgen.engine import counting, error_kinds, schedule
from loadgen.engine.client_state import CONNECTING, IDLE, PAUSED, REOPENING, SENDING, SHAKING_HANDS, WAITING
from loadgen.engine.transport import CLOSE
from loadgen.engine.workspace import LATENCY, SERVICE
from loadgen.native import libc
from loadgen.native.compiled import inline

PAUSE_AFTER_ERROR_NS = 10_000_000  # so that a dead server gets 100 attempts per second, not a million
RESET_WITHIN_NS = 50_000_000  # in which a reset follows the end of a stream, if it does: more than most round trips
UNTIL_RESET = 2  # of a stream that has ended: whether a reset follows decides


@inline
def socket_error(w: Any, fd: int) -> int:
    """Return the error that the kernel has noted for a socket; 0: none."""
    w.scratch[0], w.scratch[1] = 0, 4
    error = w.scratch.ctypes.data
    libc.getsockopt(fd, libc.SOL_SOCKET, libc.SO_ERROR, error, error + 8)
    return w.scratch[0]  # type: ignore[no-any-return]


@inline
def error_kind(error: int) -> int:
    """Return the kind of a failure to connect with this ``errno``."""
    if error == libc.ECONNRESET:
        return error_kinds.RESET
    if error == libc.ETIMEDOUT:
        return error_kinds.CONNECT_TIMEOUT
    if error == libc.EADDRNOTAVAIL:  # all local ports are in use
        return error_kinds.NO_SOCKET
    return error_kinds.REFUSED  # by the server or, if it is unreachable, by the network


@inline
def close(w: Any, transport: Any, index: int, now_ns: int) -> None:
    c, counters = w.connections[index], w.counters[0]
    if c.state in (SENDING, WAITING):
        counting.count_answer(w, index, now_ns)
    if c.state >= IDLE:
        counters.established -= 1
    elif c.state in (CONNECTING, SHAKING_HANDS):
        counters.connecting -= 1
    if c.fd >= 0:
        transport(CLOSE, c.channel, c.fd, 0, 0)
        libc.close(c.fd)
    c.fd = -1


@inline
def drop(w: Any, transport: Any, index: int, now_ns: int) -> None:
    """Close a connection and pause before the next."""
    close(w, transport, index, now_ns)
    w.connections[index].state = PAUSED
    w.connections[index].until_ns = now_ns + PAUSE_AFTER_ERROR_NS


@inline
def fail(w: Any, transport: Any, index: int, kind: int, now_ns: int) -> None:
    """Count a failed request or connection, drop the connection and pause."""
    c, counters, buffer = w.connections[index], w.counters[0], w.counters[0].current_buffer
    scheduled = w.settings[0].open_loop
    counted = schedule.is_counted(w, c.since_ns) if c.owed or not scheduled else counters.measuring
    if scheduled and not c.owed and c.state < IDLE:
        counters.connect_errors[kind] += 1  # the request that it would have served waits in the schedule
    elif counted or not counters.started:  # failures before the timing begins count too
        w.counted[buffer, 1 + kind] += 1
        if counted and (c.owed or not scheduled):
            counting.note_finished(w, now_ns)
        if counters.started and (
            kind == error_kinds.REPLY_TIMEOUT or (kind == error_kinds.CONNECT_TIMEOUT and not scheduled)
        ):
            # It would have taken at least this long; leaving it out would improve the percentiles.
            took_ns = now_ns - c.since_ns
            counting.note(w, LATENCY + buffer, took_ns)
            if kind == error_kinds.REPLY_TIMEOUT:
                counting.note(w, SERVICE + buffer, now_ns - c.sent_ns)
            if counters.censored == 0 or took_ns < counters.censored_min_ns:
                counters.censored_min_ns = took_ns
            counters.censored += 1
    if not c.tried:
        c.tried = 1
        counters.tried += 1
    c.owed = 0
    drop(w, transport, index, now_ns)


@inline
def reopen(w: Any, transport: Any, index: int, now_ns: int) -> None:
    """Replace a connection that the server has closed between two requests, which it may (RFC 9112, 9.3.1)."""
    w.counters[0].reconnections += w.counters[0].measuring
    close(w, transport, index, now_ns)
    w.connections[index].state = REOPENING


@inline
def lose(w: Any, transport: Any, index: int, kind: int, now_ns: int) -> None:
    """Decide what became of a request whose connection ended without a reply.

    A reset, at once or after the end of the stream, means that the server did not read the request: it is sent again,
    once. The end of the stream alone means that the server took the request, which failed.
    """
    c = w.connections[index]
    if not (w.settings[0].may_close and c.reused and c.received == 0 and not c.again):
        fail(w, transport, index, kind, now_ns)
    elif kind == error_kinds.RESET or socket_error(w, c.fd):
        c.again = 1
        reopen(w, transport, index, now_ns)
    elif c.ended != UNTIL_RESET:
        c.ended = UNTIL_RESET
        c.until_ns = min(c.until_ns, now_ns + RESET_WITHIN_NS)
