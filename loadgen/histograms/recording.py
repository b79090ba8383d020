"""Counting one value in a histogram, as compiled code; the histogram itself is read without a compiler."""

from __future__ import annotations

from typing import Any

from loadgen.histograms.histogram import Counts, bucket_index
from loadgen.native.compiled import inline

_bucket_index = inline(bucket_index)


@inline
def count(counts: Counts, extremes: Any, value_ns: int) -> None:
    """Count one value in ``counts`` (int64[BUCKETS]) and in ``extremes`` (a record of min, max and sum)."""
    counts[_bucket_index(value_ns)] += 1
    if value_ns < extremes.min or extremes.max < 0:
        extremes.min = value_ns
    extremes.max = max(extremes.max, value_ns)
    extremes.sum += value_ns
