"""A clock of seconds per request, for pytest-benchmark.

pytest-benchmark times a function by a timer that may be any counter (``--benchmark-timer``). Here a window is a
round, and the function under its stop-watch moves this clock on by what a request of that window took in the mean. So
its table, storage and comparison are per request, and windows of any length compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.schema.record import Record

_now_s = 0.0


def seconds_per_request() -> float:
    """Return what the clock shows."""
    return _now_s


class Replay:
    """Called once a round: moves the clock on by the next window's seconds per request."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records: Iterator[Record] = iter(records)

    def __call__(self) -> None:
        global _now_s  # noqa: PLW0603 - a clock is one for all
        record = next(self._records)
        _now_s += record.wall_s / record.requests
