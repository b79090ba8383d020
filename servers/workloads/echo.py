"""Just the reply: the cost of the server itself."""

from __future__ import annotations

from . import REPLY

WORK = {"replies": 1}


def respond(request: bytes) -> bytes:
    return REPLY
