"""Pure Python computation for about 1 ms. It overlaps only where there is parallelism."""

from __future__ import annotations

from . import REPLY

ROUNDS = 8_000
WORK = {"rounds": ROUNDS}


def respond(request: bytes) -> bytes:
    state = len(request)
    for _ in range(ROUNDS):  # a linear congruential generator: integer arithmetic that no interpreter can skip
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return REPLY
