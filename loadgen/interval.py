"""A stretch of a run: what was answered and what failed in it, and how long it took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadgen.histogram import BUCKETS, Histogram


@dataclass(frozen=True, slots=True)
class Sparse:
    """A histogram as its filled buckets alone, since one is kept for each interval.

    Attributes:
        buckets: numbers of the filled buckets.
        counts: what is in each.
        min_ns: smallest value, exact; ``None`` when empty.
        max_ns: largest value, exact.
        sum_ns: sum of all values, exact.
    """

    buckets: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int64]
    min_ns: int | None
    max_ns: int | None
    sum_ns: int

    @classmethod
    def of(cls, full: Histogram) -> Sparse:
        filled = np.flatnonzero(full.counts)
        return cls(filled.astype(np.int32), full.counts[filled], full.min_ns, full.max_ns, full.sum_ns)

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def full(self) -> Histogram:
        """Return the histogram that it stands for."""
        counts = np.zeros(BUCKETS, np.int64)
        counts[self.buckets] = self.counts
        return Histogram(counts, self.min_ns, self.max_ns, self.sum_ns)


@dataclass(frozen=True, slots=True)
class Interval:
    """What was counted from one look to the next, by all engine threads.

    Attributes:
        at_s: its beginning, in seconds since the window's.
        seconds: its length.
        requests: answered rightly in it.
        errors: failed in it, by kind.
        connections: established at its end.
        latency: of the former, and of requests that timed out.
        service: the same, from when each was sent.
    """

    at_s: float
    seconds: float
    requests: int
    errors: dict[str, int]
    connections: int
    latency: Sparse
    service: Sparse

    @property
    def throughput_rps(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0
