"""One event loop, and a pool of threads for work that would block it: the usual ``run_in_executor``."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from ..conversation import Handler
from . import asyncio_streams


def serve(listener: socket.socket, handler: Handler) -> None:
    pool = ThreadPoolExecutor(handler.workers)

    async def respond(request: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        # So its threads end before the loop restores the signal handlers; a signal to one would kill the process.
        loop.set_default_executor(pool)
        return await loop.run_in_executor(None, handler.respond, request)

    asyncio_streams.serve(listener, handler._replace(respond_async=respond))
    pool.shutdown()
