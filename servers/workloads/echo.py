"""Just the reply: what the server itself costs."""

from __future__ import annotations

from servers.workloads import REPLY

WORK = {"replies": 1}


def respond(request: bytes) -> bytes:
    return REPLY
