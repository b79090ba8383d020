"""A clock of seconds per request, for pytest-benchmark.

pytest-benchmark times a function with a timer that may be any counter (``--benchmark-timer``). Here a window is a
round, and the timed function advances this clock by the window's mean time per request. The table, storage and
comparison of pytest-benchmark are therefore per request, and windows of different lengths are comparable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.schema.record import Record

_now_s = 0.0


def seconds_per_request() -> float:
    """Return the time that the clock shows."""
    return _now_s


class Replay:
    """The timed function, called once per round: advances the clock by the next window's seconds per request."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records: Iterator[Record] = iter(records)

    def __call__(self) -> None:
        global _now_s  # noqa: PLW0603 - there is one clock for all
        record = next(self._records)
        _now_s += record.wall_s / record.requests
