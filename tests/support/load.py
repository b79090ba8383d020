"""Loads that end when a condition holds, and results made of known numbers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from loadgen import Load, LoadResult, run
from loadgen.histograms.histogram import BUCKETS, Histogram, bucket_index
from loadgen.interval import Interval
from loadgen.result import EngineUse
from loadgen.stages import Stage
from tests.support.until import LIMIT_S


def run_until(
    load: Load, enough: Callable[[int, Counter[str]], bool], *, interval_s: float = 0.02, **options: Any
) -> LoadResult:
    """Run a load until its requests and errors meet a condition, for a minute at most."""
    cancel, requests, errors = threading.Event(), 0, Counter[str]()

    def note(interval: Interval) -> None:
        nonlocal requests
        requests += interval.requests
        errors.update(interval.errors)
        if enough(requests, errors):
            cancel.set()

    if not load.schedule:
        load = replace(load, duration_s=LIMIT_S)
    return run(load, on_interval=note, interval_s=interval_s, cancel=cancel, **options)


def run_all(load: Load, requests: int, rate_rps: float) -> LoadResult:
    """Run an open loop until each of its requests has been answered or has failed."""
    stages = (Stage(rate_rps, rate_rps, (requests - 0.5) / rate_rps), Stage(0, 0, LIMIT_S))
    return run_until(replace(load, stages=stages), lambda done, errors: done + errors.total() >= requests)


def histogram(times_ns: Sequence[int]) -> Histogram:
    """Return the histogram of these times."""
    counts = np.zeros(BUCKETS, np.int64)
    for time_ns in times_ns:
        counts[bucket_index(time_ns)] += 1
    return Histogram(counts, min(times_ns, default=None), max(times_ns, default=None), sum(times_ns))


def made_result(**changes: Any) -> LoadResult:
    """Return a result: two clients, 1,000 requests of 2 ms each, a window of 1 s."""
    fine = LoadResult(
        load=Load(host="127.0.0.1", port=1, connections=2),
        wall_s=1.0,
        requests=1000,
        errors={},
        latency=histogram([2_000_000] * 1000),
        connect=Histogram(),
        engines=(EngineUse(cpu_s=0.1, utilisation=0.1),),
        connected=2,
        unfinished=2,
        oldest_unfinished_s=0.001,
        age_before_ns=1_000_000,
        age_after_ns=1_000_000,
        cancelled=False,
    )
    return replace(fine, **changes)
