"""Many small objects, created and dropped in cycles that only the garbage collector can free, for about 1 ms.

The allocator and the collector are where free-threaded builds differ most from the others.
"""

from __future__ import annotations

from typing import List

from . import REPLY

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
