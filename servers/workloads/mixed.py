"""Nine of ten requests want just the reply, the tenth computes about 10 ms: do the quick wait for the slow.

With one GIL a quick request waits behind the computing thread for up to a switch interval (the convoy effect: David
Beazley, Understanding the Python GIL, PyCon 2010).
"""

from __future__ import annotations

import itertools

from servers.workloads import REPLY

EVERY = 10
ROUNDS = 80_000
WORK = {"computes_one_of": EVERY, "rounds": ROUNDS}

_requests = itertools.count(1)


def respond(request: bytes) -> bytes:
    if next(_requests) % EVERY == 0:
        state = len(request)
        for _ in range(ROUNDS):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return REPLY
