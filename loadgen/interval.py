"""An interval of a run: what was answered and what failed in it, and how long it took."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from loadgen.engine.histogram import Histogram


@dataclass(frozen=True, slots=True)
class CompressedHistogram:
    """A histogram in a kilobyte or two, since one is kept for each interval of a run, however long.

    Attributes:
        counts: of every bucket, int64[BUCKETS], as zlib packs it.
        total: number of values.
        min_ns: smallest value, exact; ``None`` when empty.
        max_ns: largest value, exact.
        sum_ns: sum of all values, exact.
    """

    counts: bytes
    total: int
    min_ns: int | None
    max_ns: int | None
    sum_ns: int

    @classmethod
    def compress(cls, histogram: Histogram) -> CompressedHistogram:
        return cls(
            zlib.compress(histogram.counts.tobytes(), 1),
            histogram.total,
            histogram.min_ns,
            histogram.max_ns,
            histogram.sum_ns,
        )

    def decompress(self) -> Histogram:
        """Return the histogram that it stands for."""
        counts = np.frombuffer(zlib.decompress(self.counts), np.int64)
        return Histogram(counts, self.min_ns, self.max_ns, self.sum_ns)


@dataclass(frozen=True, slots=True)
class Interval:
    """What was counted from one reading to the next, by all engine threads.

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
    latency: CompressedHistogram
    service: CompressedHistogram

    @property
    def throughput_rps(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0
