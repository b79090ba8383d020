"""One event loop in front, and a pool of threads for what would block it: ``run_in_executor``, as everyone does it."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from servers.conversation import Handler
from servers.models import asyncio_streams


def serve(listener: socket.socket, handler: Handler) -> None:
    pool = ThreadPoolExecutor(handler.workers)

    async def respond(request: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        # So its threads have ended before the loop takes its signal handlers back: a signal to one would be the end.
        loop.set_default_executor(pool)
        return await loop.run_in_executor(None, handler.respond, request)

    asyncio_streams.serve(listener, handler._replace(respond_async=respond))
    pool.shutdown()
