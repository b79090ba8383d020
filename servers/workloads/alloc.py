"""Many small objects, made and dropped, in cycles that only the garbage collector can take apart; about 1 ms of it.

The allocator and the collector are where GIL-free builds differ most from the others.
"""

from __future__ import annotations

from typing import List

from servers.workloads import REPLY

PAIRS = 3_000
WORK = {"objects": 2 * PAIRS + 1}


class _Node:
    __slots__ = ("other", "values")

    def __init__(self, values: List[int]) -> None:
        self.other = self
        self.values = values


def respond(request: bytes) -> bytes:
    nodes = [_Node([number, len(request)]) for number in range(PAIRS)]
    for one, other in zip(nodes, nodes[1:]):
        one.other, other.other = other, one
    return REPLY
