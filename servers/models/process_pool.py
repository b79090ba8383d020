"""One event loop, and a pool of processes for the work: waiting overlaps in the loop, computing in the pool.

``ProcessPoolExecutor`` is the usual choice, but when one of its workers is killed it fails the requests of all and
stops working. Here each worker has its own socket to the loop, so that only its own request is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from typing import Callable, NamedTuple, Optional, Set

from .. import lifecycle
from ..children import Children
from ..conversation import Handler, Respond
from . import asyncio_streams

_LENGTH = struct.Struct("=I")


def serve(listener: socket.socket, handler: Handler) -> None:
    pool = _Pool(handler.respond, handler.workers)
    asyncio_streams.serve(listener, handler._replace(respond_async=pool.respond))
    pool.end()


class _Worker(NamedTuple):
    """The loop's end of a worker's socket."""

    connection: socket.socket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def gone(self) -> bool:
        """Whether the worker has ended; the loop would notice only when it next waits."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    async def ask(self, request: bytes) -> bytes:
        self.writer.write(_LENGTH.pack(len(request)) + request)
        (size,) = _LENGTH.unpack(await self.reader.readexactly(_LENGTH.size))
        return await self.reader.readexactly(size)


class _Pool:
    """A pool of workers; each handles one request at a time."""

    def __init__(self, respond: Respond, workers: int) -> None:
        self._respond = respond
        self._children = Children(wake=False)  # a worker's end shows as the end of its stream
        lifecycle.run_before_end(self._children.kill)
        self._new = [self._fork() for _ in range(workers)]  # before there is a loop that a fork would copy
        self._free: Optional[asyncio.Queue[_Worker]] = None
        self._busy: Set[_Worker] = set()  # asyncio itself holds a stream's reader by a weak reference only

    async def respond(self, request: bytes) -> bytes:
        """Return a worker's reply.

        Raises:
            ConnectionError: the worker ended before it replied.
        """
        if self._free is None:
            self._free = asyncio.Queue()
            for end in self._new:
                self._free.put_nowait(await _worker(end))
        worker = await self._free.get()
        try:
            if worker.gone:
                worker = await self._replace(worker)
            self._busy.add(worker)
            return await worker.ask(request)
        except (OSError, asyncio.IncompleteReadError):
            self._busy.discard(worker)
            worker = await self._replace(worker)
            raise ConnectionError("its worker ended") from None
        finally:
            self._busy.discard(worker)
            self._free.put_nowait(worker)

    def end(self) -> None:
        self._children.end()

    async def _replace(self, worker: _Worker) -> _Worker:
        worker.writer.transport.abort()
        self._children.reap()
        if lifecycle.stopping():
            return worker
        lifecycle.log("worker_replaced", reason="it ended")
        return await _worker(self._fork())

    def _fork(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._children.fork(lambda: _work(theirs, self._respond))
        return ours


async def _worker(end: socket.socket) -> _Worker:
    return _Worker(end, *await asyncio.open_connection(sock=end))


def _work(connection: socket.socket, respond: Respond) -> None:
    # Otherwise a client's connection that the server closes would stay open in this process.
    os.closerange(3, connection.fileno())
    os.closerange(connection.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    with contextlib.suppress(OSError), lifecycle.tracked(connection):
        while header := _exactly(connection.recv, _LENGTH.size):
            reply = respond(_exactly(connection.recv, *_LENGTH.unpack(header)))
            connection.sendall(_LENGTH.pack(len(reply)) + reply)


def _exactly(receive: Callable[[int], bytes], size: int) -> bytes:
    """Return ``size`` bytes, or fewer if the stream ends before."""
    got = receive(size) if size else b""
    while got and len(got) < size:
        more = receive(size - len(got))
        if not more:
            break
        got += more
    return got
