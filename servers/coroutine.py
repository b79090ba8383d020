"""Service of one connection as a coroutine: like :mod:`servers.conversation`, but waiting in the event loop.

A separate module, so that servers without an event loop do not import asyncio: a fork would take twice as long.
"""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable

from . import lifecycle
from .conversation import Handler, Patience, Stalled, faults_logged


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Answer requests until either side ends the connection, then close it; it occupies no thread while idle."""
    connection = writer.get_extra_info("socket")
    transport = writer.transport
    try:
        with lifecycle.tracked(connection), faults_logged(connection):
            try:
                await _answer(reader, writer, handler)
            finally:
                writer.close()
                if transport.get_write_buffer_size():
                    await _limit(handler.stall_timeout_s, writer.wait_closed())
    finally:
        transport.abort()  # close() alone would wait forever for a client that does not read


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    framing = handler.framing()
    patience = Patience(handler.stall_timeout_s)
    transport = writer.transport
    while not framing.over:
        left_s = patience.left_s(framing)
        reading = reader.read(framing.recv_bytes)
        # A time-out can cost more than a request, so only a partial request gets one.
        requests = framing.receive(await (reading if left_s is None else _limit(left_s, reading)))
        for request in requests:
            if handler.respond_async is None:
                reply = handler.respond(request)
            else:
                reply = await handler.respond_async(request)
            writer.write(framing.frame(reply))
            patience.renew()
            if transport.get_write_buffer_size() or transport.is_closing():
                await _limit(handler.stall_timeout_s, writer.drain())
            elif len(requests) > 1:
                await asyncio.sleep(0)  # pipelined requests must not hold up other clients or signals


async def _limit(limit_s: float, waiting: Awaitable[Any]) -> Any:
    try:
        return await asyncio.wait_for(waiting, limit_s)
    except asyncio.TimeoutError:
        raise Stalled("neither sends nor reads") from None
