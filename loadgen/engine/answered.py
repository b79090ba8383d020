"""A count of the requests answered, readable while a load runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Answered:
    """The number of requests answered rightly since the load began, before its window and after it too.

    Handed to :func:`loadgen.run` it can be called from any thread. Whoever reads another counter of the server (its CPU
    clock) reads this one at the same instant, so that both count the same interval.
    """

    def __init__(self) -> None:
        self._counters: Sequence[Any] = ()

    def follow(self, counters: Sequence[Any]) -> None:
        """Count what these engines' counters count."""
        self._counters = tuple(counters)

    def __call__(self) -> int:
        """Return the number."""
        return sum(int(counters["answered"]) for counters in self._counters)
