"""A histogram of times that counts every value: HdrHistogram's log-linear layout.

Values from 1 ns to 1 h fall into buckets no wider than 0.1% of the value (three significant digits; below 2,048 ns each
nanosecond has its own bucket). Smaller and larger values are counted in the first and last buckets; the exact minimum,
maximum and sum are kept as well.

Source: Gil Tene's HdrHistogram, http://hdrhistogram.org. Its encoding: :mod:`loadgen.histograms.hdr_encoding`.
"""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from loadgen.histograms import hdr_encoding
from loadgen.histograms.hdr_encoding import HIGHEST_NS

Counts = npt.NDArray[np.int64]

_HALF = 1024  # buckets per doubling of the value
_DOUBLINGS = 32  # 2,048 ns doubled this often is more than an hour
BUCKETS = (_DOUBLINGS + 1) * _HALF


def bucket_index(value_ns: int) -> int:
    """Return the index of the bucket for a value, the first or the last for a value out of range."""
    value = min(max(value_ns, 0), HIGHEST_NS)
    doublings = max(0, math.frexp(value)[1] - 11)
    return doublings * _HALF + (value >> doublings)


EXTREMES = np.dtype([("min", np.int64), ("max", np.int64), ("sum", np.int64)], align=True)


def highest_in_bucket(index: int) -> int:
    """Return the largest value, in ns, that belongs to the bucket ``index``."""
    doublings = max(0, index // _HALF - 1)
    return ((index - doublings * _HALF + 1) << doublings) - 1


_HIGHEST_NS = np.array([highest_in_bucket(index) for index in range(BUCKETS)])


def empty_extremes(count: int = 1) -> npt.NDArray[Any]:
    """Return ``count`` empty records of extremes."""
    return np.array([(0, -1, 0)] * count, EXTREMES)


@dataclass(frozen=True)
class Histogram:
    """Counts of values in nanoseconds.

    Attributes:
        counts: int64[BUCKETS].
        min_ns: smallest value, exact; ``None`` when empty.
        max_ns: largest value, exact; ``None`` when empty.
        sum_ns: sum of all values, exact.
    """

    counts: Counts = field(default_factory=lambda: np.zeros(BUCKETS, np.int64))
    min_ns: int | None = None
    max_ns: int | None = None
    sum_ns: int = 0

    @classmethod
    def of(cls, counts: Counts, one: Any) -> Histogram:
        """Wrap counts and a record of extremes that :func:`loadgen.histograms.recording.count` filled."""
        if one["max"] < 0:
            return cls(counts)
        return cls(counts, int(one["min"]), int(one["max"]), int(one["sum"]))

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def mean_ns(self) -> float | None:
        return self.sum_ns / self.total if self.total else None

    def percentile_ns(self, percent: float) -> int | None:
        """Return the value that ``percent`` of all values do not exceed (nearest rank), ``None`` when empty.

        It is the highest value of its bucket, as in HdrHistogram, but never above the maximum.
        """
        # One float below ``percent``, so that rounding does not raise a whole rank to the next.
        return self._ranked_ns(max(1, math.ceil(self.total * math.nextafter(percent, 0) / 100)))

    def percentile_interval_ns(self, percent: float) -> tuple[int | None, int | None]:
        """Return the 95% confidence interval of a percentile, with ``None`` for an end that the sample does not reach.

        By order statistics: of ``n`` independent values the number below the percentile is binomial, so the values
        whose ranks lie 1.96 of its standard deviations to either side enclose the percentile 95 times out of 100.
        Requests in a queue are not independent, so the true interval is wider.

        Source: Conover, Practical Nonparametric Statistics, section 3.2.
        """
        total, share = self.total, percent / 100
        spread = 1.96 * math.sqrt(total * share * (1 - share))
        low, high = math.floor(total * share - spread), math.ceil(total * share + spread) + 1
        return self._ranked_ns(low), self._ranked_ns(high)

    def _ranked_ns(self, rank: int) -> int | None:
        if self.max_ns is None or not 0 < rank <= self.total:
            return None
        return min(highest_in_bucket(int(np.searchsorted(self._cumulative, rank))), self.max_ns)

    @functools.cached_property
    def _cumulative(self) -> Counts:
        return np.cumsum(self.counts)

    def merge(self, other: Histogram) -> Histogram:
        """Return the exact histogram of both sets of values."""
        return Histogram(
            self.counts + other.counts,
            min((v for v in (self.min_ns, other.min_ns) if v is not None), default=None),
            max((v for v in (self.max_ns, other.max_ns) if v is not None), default=None),
            self.sum_ns + other.sum_ns,
        )

    def encode(self) -> str:
        """Return HdrHistogram's compressed V2 encoding in base64, as its own tools read it."""
        return hdr_encoding.encode(self.counts)

    @classmethod
    def decode(cls, *texts: str) -> Histogram:
        """Decode texts that :meth:`encode` wrote and add them up.

        Minimum, maximum and sum are exact to within a bucket.

        Raises:
            GilbenchError: a text is not such an encoding, or has another layout.
        """
        counts = np.zeros(BUCKETS, np.int64)
        for text in texts:
            hdr_encoding.add(text, counts)
        filled = np.flatnonzero(counts)
        if not len(filled):
            return cls(counts)
        values_ns, times = _HIGHEST_NS[filled], counts[filled]
        lowest, highest = int(values_ns[0]), int(values_ns[-1])
        if int(times.max()) * highest * len(filled) < 2**63:
            sum_ns = int(np.dot(values_ns, times))
        else:  # needs whole numbers of any size
            sum_ns = sum(map(operator.mul, values_ns.tolist(), times.tolist()))
        return cls(counts, lowest, highest, sum_ns)
