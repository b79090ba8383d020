"""Serving one connection from its first byte to its last, blocking or as a coroutine.

A client that resets, stalls, breaks off or breaks the wire's rules costs the server that one connection and one
line of log.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from typing import Any, Awaitable, Callable, Iterator, NamedTuple, Optional, Type

from servers import lifecycle
from servers.framing import Framing, FramingError

STALL_TIMEOUT_S = 10.0
"""How long half a request may wait for its other half, and a reply for its reader."""

IDLE_TIMEOUT_S = 300.0
"""How long a connection may keep a thread or process to itself without asking anything."""


class Handler(NamedTuple):
    """A wire and a workload: what every model serves.

    ``respond_async`` is there only if the workload can wait without blocking the event loop.
    """

    framing: Type[Framing]
    respond: Callable[[bytes], bytes]
    respond_async: Optional[Callable[[bytes], Awaitable[bytes]]] = None
    stall_timeout_s: float = STALL_TIMEOUT_S


class Stalled(Exception):
    """The client kept the server waiting for too long."""


def converse(connection: socket.socket, handler: Handler) -> None:
    """Answer requests on ``connection`` until either side ends it, then close it."""
    with connection, lifecycle.attended(connection), _faults_logged(connection):
        _set_timeouts(connection, handler.stall_timeout_s)
        framing = handler.framing()
        patience = _Patience(handler.stall_timeout_s)
        idle_s = 0.0
        while not framing.over:
            patience.left_s(framing)
            try:
                data = connection.recv(framing.recv_bytes)
            except BlockingIOError:  # the kernel's receive time-out
                idle_s += handler.stall_timeout_s
                if idle_s >= IDLE_TIMEOUT_S:
                    raise Stalled("nothing asked for %d s" % idle_s) from None
                continue
            idle_s = 0.0
            for request in framing.receive(data):
                connection.sendall(framing.frame(handler.respond(request)))
                patience.renew()


async def converse_async(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Do as :func:`converse` does, waiting in the event loop, where an idle connection keeps nobody busy."""
    connection = writer.get_extra_info("socket")
    transport = writer.transport
    try:
        with lifecycle.attended(connection), _faults_logged(connection):
            try:
                await _answer(reader, writer, handler)
            finally:
                writer.close()
                if transport.get_write_buffer_size():
                    await _within(handler.stall_timeout_s, writer.wait_closed())
    finally:
        transport.abort()  # closing waits for ever for a client that does not read


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    framing = handler.framing()
    patience = _Patience(handler.stall_timeout_s)
    transport = writer.transport
    while not framing.over:
        left_s = patience.left_s(framing)
        reading = reader.read(framing.recv_bytes)
        # A time-out costs more than many a request, so only half a request gets one.
        requests = framing.receive(await (reading if left_s is None else _within(left_s, reading)))
        for request in requests:
            if handler.respond_async is None:
                reply = handler.respond(request)
            else:
                reply = await handler.respond_async(request)
            writer.write(framing.frame(reply))
            patience.renew()
            if transport.get_write_buffer_size() or transport.is_closing():
                await _within(handler.stall_timeout_s, writer.drain())
            elif len(requests) > 1:
                await asyncio.sleep(0)  # a client that asks much at once gets its turn like the others, and the signals


class _Patience:
    """Bounds the time each request takes to arrive; reads the clock only while half a request is held."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since_s: Optional[float] = None

    def left_s(self, framing: Framing) -> Optional[float]:
        """Return the seconds left for the request in hand, ``None`` if there is none.

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
            raise Stalled("half a request and no more")
        return left_s

    def renew(self) -> None:
        """Count afresh: a request was answered, and what is held is another one."""
        self._since_s = None


async def _within(limit_s: float, waiting: Awaitable[Any]) -> Any:
    try:
        return await asyncio.wait_for(waiting, limit_s)
    except asyncio.TimeoutError:
        raise Stalled("neither sends nor reads") from None


@contextlib.contextmanager
def _faults_logged(connection: Any) -> Iterator[None]:
    try:
        yield
    except (OSError, FramingError, Stalled) as fault:
        try:
            peer = "%s:%d" % connection.getpeername()[:2]
        except OSError:
            peer = "gone"
        # Only sending ends so, by the kernel's time-out.
        reason = "does not read" if isinstance(fault, BlockingIOError) else str(fault) or type(fault).__name__
        lifecycle.log("connection_broken", peer=peer, reason=reason)


def _set_timeouts(connection: socket.socket, timeout_s: float) -> None:
    # Time-outs in the kernel cost no system call a request, unlike socket.settimeout(), which adds a poll() each.
    timeval = struct.pack("@ll", int(timeout_s), int(timeout_s % 1 * 1e6))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, timeval)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
