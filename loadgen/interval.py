"""An interval of a run: the requests answered and failed in it, and their latencies."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from loadgen.histograms.histogram import BUCKETS, Histogram


@dataclass(frozen=True, slots=True)
class CompressedHistogram:
    """A histogram compressed to a kilobyte or two, since a run keeps one for each of its intervals.

    Attributes:
        buckets: the indices of the buckets that are not empty, uint16, compressed with zlib.
        counts: of each of them, int64, compressed with zlib.
        total: number of values.
        min_ns: smallest value, exact; ``None`` when empty.
        max_ns: largest value, exact; ``None`` when empty.
        sum_ns: sum of all values, exact.
    """

    buckets: bytes
    counts: bytes
    total: int
    min_ns: int | None
    max_ns: int | None
    sum_ns: int

    @classmethod
    def compress(cls, histogram: Histogram) -> CompressedHistogram:
        buckets = np.flatnonzero(histogram.counts)
        return cls(
            zlib.compress(buckets.astype(np.uint16).tobytes(), 1),
            zlib.compress(histogram.counts[buckets].tobytes(), 1),
            histogram.total,
            histogram.min_ns,
            histogram.max_ns,
            histogram.sum_ns,
        )

    def decompress(self) -> Histogram:
        """Return the histogram."""
        counts = np.zeros(BUCKETS, np.int64)
        counts[np.frombuffer(zlib.decompress(self.buckets), np.uint16)] = np.frombuffer(
            zlib.decompress(self.counts), np.int64
        )
        return Histogram(counts, self.min_ns, self.max_ns, self.sum_ns)


@dataclass(frozen=True, slots=True)
class Interval:
    """The counts of all engine threads from one reading to the next.

    Attributes:
        at_s: when it began, in seconds since the window began.
        seconds: its length.
        requests: requests answered correctly in it.
        errors: requests that failed in it, by kind.
        connections: connections established at its end.
        latency: of the requests answered correctly and of those that timed out.
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
