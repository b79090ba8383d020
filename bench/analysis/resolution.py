"""What a run can resolve: how large a difference between two interpreters must be to show."""

from __future__ import annotations

import statistics

from bench.analysis.comparison import compare_interpreters
from bench.analysis.load import Run


def resolution(run: Run) -> dict[str, float]:
    """Return half the width of a cell's 95% interval of the ratio of throughputs, by workload: the median of its cells.

    As a share: 0.02 resolves a difference of 2%. Empty with one interpreter, or one pass.
    """
    if len(run.values("interpreter")) < 2:
        return {}
    found: dict[str, list[float]] = {}
    for row in compare_interpreters(run).rows:
        if row.metric == "throughput" and row.ratio.has_interval:
            found.setdefault(row.workload, []).append(row.ratio.precision)
    return {workload: statistics.median(each) for workload, each in found.items()}
