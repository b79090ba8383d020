"""An event loop in each of a fixed number of threads: waiting overlaps; computing overlaps only without a GIL.

The first thread accepts and hands connections out in turn. With a listening socket for each loop (SO_REUSEPORT) the
kernel would distribute connections by a hash, and with few clients some loops would have none (docs/method.md).
CPython's documentation recommends a loop for each thread since 3.14, where asyncio runs in parallel without a GIL.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading

from .. import lifecycle
from ..conversation import Handler
from ..coroutine import converse
from .asyncio_streams import ProblemLog


def serve(listener: socket.socket, handler: Handler) -> None:
    loops = [_Loop(handler) for _ in range(handler.workers)]
    with lifecycle.signals_kept():
        for loop in loops:
            loop.start()
    for connection, loop in zip(lifecycle.accept(listener), itertools.cycle(loops)):
        loop.take(connection)
    for loop in loops:  # bounded by the timer that lifecycle.stop() set
        loop.finish()


class _Loop:
    """A thread with an event loop, which serves the connections that it is given."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(ProblemLog())
        self._stopped = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def take(self, connection: socket.socket) -> None:
        self._loop.call_soon_threadsafe(self._begin, connection)

    def finish(self) -> None:
        """Wait until all connections are closed."""
        self._loop.call_soon_threadsafe(self._stopped.set_result, None)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        await self._stopped
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.005)

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        reader = asyncio.StreamReader(loop=self._loop)
        return asyncio.StreamReaderProtocol(reader, self._converse, loop=self._loop)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(reader, writer, self._handler)
