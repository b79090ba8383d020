"""A wait of 5 ms, as for a database or a remote call. Waits overlap wherever there is concurrency."""

from __future__ import annotations

import time

from . import REPLY

WAIT_S = 0.005
WORK = {"wait_s": WAIT_S}


def respond(request: bytes) -> bytes:
    time.sleep(WAIT_S)
    return REPLY


async def respond_async(request: bytes) -> bytes:
    import asyncio  # noqa: PLC0415 - only here: servers without an event loop should not import it

    await asyncio.sleep(WAIT_S)
    return REPLY
