"""A scripted HTTP server: an asyncio coroutine serves each connection, in a thread of this process."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Scripted:
    """The server as its script sees it.

    Attributes:
        port: where it listens.
        heads: the head of each request.
        peers: the address from which each connection came.
    """

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        """Receive the head of a request."""
        found = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(found)
        return found

    @property
    def targets(self) -> list[bytes]:
        return [head.split(b" ")[1] for head in self.heads]


Script = Callable[[Scripted, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def polite(server: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await server.head(reader)
        writer.write(OK)


@contextlib.contextmanager
def scripted(
    script: Script = polite, *, host: str = "127.0.0.1", path: str | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Scripted]:
    """Serve on a free port of ``host``, or on a Unix socket at ``path``."""
    server, ready = Scripted(), threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    serving: set[asyncio.Task[Any]] = set()
    transports: set[asyncio.WriteTransport] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        serving.add(task)
        transports.add(writer.transport)
        peer = writer.get_extra_info("peername")
        server.peers.append(peer[0] if peer else "")
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            await script(server, reader, writer)
        writer.close()
        serving.discard(task)

    async def main() -> None:
        if path is None:
            listening = await asyncio.start_server(serve, host, 0, limit=2**22, backlog=1024, ssl=tls)
            server.port = listening.sockets[0].getsockname()[1]
        else:
            listening = await asyncio.start_unix_server(serve, path)
        ready.set()
        await over.wait()
        listening.close()
        while serving or len(asyncio.all_tasks()) > 1:  # also what was accepted meanwhile
            for task in serving:
                task.cancel()
            await asyncio.sleep(0.005)
        for transport in transports:  # a closed one still waits for a client that does not read
            transport.abort()
        await asyncio.sleep(0.005)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        ready.wait()
        yield server
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
