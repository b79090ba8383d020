"""Blocking service of one connection, from its first byte to its last (:mod:`servers.coroutine` does not block).

A client that resets, stalls, disconnects or breaks the protocol costs the server only that connection and one line of
log.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import Any, Awaitable, Callable, Iterator, NamedTuple, Optional, Type

from . import lifecycle
from .framing import Framing, FramingError
from .tuning import RuntimeSettings

STALL_TIMEOUT_S = 10.0
"""How long a partial request may wait for the rest, and a reply for its reader."""

IDLE_TIMEOUT_S = 300.0
"""How long a connection without requests may occupy a thread or process."""


Respond = Callable[[bytes], bytes]
RespondAsync = Callable[[bytes], Awaitable[bytes]]


class Handler(NamedTuple):
    """A protocol and a workload: what every model serves.

    ``respond_async`` is set only if the workload can wait without blocking the event loop. ``workers`` is for models
    with a pool, ``tuning`` for models that serve in other interpreters than the first.
    """

    framing: Type[Framing]
    respond: Respond
    respond_async: Optional[RespondAsync] = None
    stall_timeout_s: float = STALL_TIMEOUT_S
    workers: int = 1
    tuning: RuntimeSettings = RuntimeSettings()


class Stalled(Exception):
    """The client kept the server waiting for too long."""


def converse(connection: socket.socket, handler: Handler) -> None:
    """Answer requests on ``connection`` until either side ends it, then close it."""
    with connection, lifecycle.tracked(connection), faults_logged(connection):
        _set_timeouts(connection, handler.stall_timeout_s)
        framing = handler.framing()
        patience = Patience(handler.stall_timeout_s)
        idle_s = 0.0
        while not framing.over:
            patience.left_s(framing)
            try:
                data = connection.recv(framing.recv_bytes)
            except BlockingIOError:  # the kernel's receive time-out
                idle_s += handler.stall_timeout_s
                if idle_s >= IDLE_TIMEOUT_S:
                    raise Stalled("no request for %d s" % idle_s) from None
                continue
            idle_s = 0.0
            for request in framing.receive(data):
                connection.sendall(framing.frame(handler.respond(request)))
                patience.renew()


def serve_all(listener: socket.socket, handler: Handler) -> None:
    """Serve one connection after another, each to its end, until the server stops."""
    for connection in lifecycle.accept_blocking(listener):
        converse(connection, handler)


class Patience:
    """Limits the time that each request takes to arrive; reads the clock only while a partial request is held."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since_s: Optional[float] = None

    def left_s(self, framing: Framing) -> Optional[float]:
        """Return the seconds left for the request in flight, ``None`` if there is none.

        Raises:
            Stalled: none are left.
        """
        if not framing.partial:
            return None
        now_s = time.monotonic()
        if self._since_s is None:
            self._since_s = now_s
        left_s = self._limit_s - (now_s - self._since_s)
        if left_s <= 0:
            raise Stalled("incomplete request")
        return left_s

    def renew(self) -> None:
        """Restart the time limit: a request was answered, and what is held belongs to the next."""
        self._since_s = None


@contextlib.contextmanager
def faults_logged(connection: Any) -> Iterator[None]:
    """Log a fault of the client in one line instead of raising it."""
    try:
        yield
    except (OSError, FramingError, Stalled) as fault:
        try:
            peer = "%s:%d" % connection.getpeername()[:2]
        except OSError:
            peer = "gone"
        # Only sending fails this way, on the kernel's time-out.
        reason = "does not read" if isinstance(fault, BlockingIOError) else str(fault) or type(fault).__name__
        lifecycle.log("connection_broken", peer=peer, reason=reason)


def _set_timeouts(connection: socket.socket, timeout_s: float) -> None:
    # Time-outs in the kernel cost no system call per request, unlike socket.settimeout(), which adds a poll() to each.
    timeval = struct.pack("@ll", int(timeout_s), int(timeout_s % 1 * 1e6))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, timeval)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
