"""Just the reply, but a request ``compute`` computes for about 10 ms: quick requests next to slow ones.

With one GIL a quick request waits behind the computing thread for up to a switch interval (the convoy effect: David
Beazley, Understanding the Python GIL, PyCon 2010).
"""

from __future__ import annotations

from . import REPLY

COMPUTE = b"compute"
ROUNDS = 80_000
WORK = {"rounds_if_asked_to_compute": ROUNDS}


def respond(request: bytes) -> bytes:
    if request == COMPUTE:
        state = 1
        for _ in range(ROUNDS):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return REPLY
