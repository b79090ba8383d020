"""A count of the requests answered, readable while a load runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Answered:
    """The number of requests answered correctly since the load began, including before and after its window.

    Pass it to :func:`loadgen.run`; it can then be called from any thread. Code that reads another counter of the server
    (its CPU clock) reads this one at the same instant, so that both cover the same interval.
    """

    def __init__(self) -> None:
        self._counters: Sequence[Any] = ()

    def follow(self, counters: Sequence[Any]) -> None:
        """Sum these engines' counters from now on."""
        self._counters = tuple(counters)

    def __call__(self) -> int:
        """Return the number of requests."""
        return sum(int(counters["answered"]) for counters in self._counters)
