"""Summary of a comparison: for each candidate and metric, the number of cells by verdict, and the mean ratio."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bench.analysis.comparison import Compared, Comparison
from bench.analysis.verdict import Verdict
from bench.stats.ratios import Ratio


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """Summary of a candidate's rows of one metric.

    Attributes:
        candidate: name of the interpreter.
        baseline: name of the baseline.
        metric: a key of :data:`~bench.analysis.metrics.METRICS`.
        cells: number of cells with each verdict.
        mean: the geometric mean of their ratios, see :func:`bench.analysis.overall.overall`; ``None`` between runs.
    """

    candidate: str
    baseline: str
    metric: str
    cells: dict[Verdict, int]
    mean: Ratio | None


def count_verdicts(comparison: Comparison) -> Iterator[VerdictCounts]:
    """Yield the counts of each metric of each candidate, candidate by candidate."""
    rows = comparison.rows
    counts = Counter((row.candidate, row.baseline, row.metric, row.verdict) for row in rows)
    sides = dict.fromkeys((row.candidate, row.baseline) for row in rows)
    metrics = dict.fromkeys(row.metric for row in rows)
    for (candidate, baseline), metric in itertools.product(sides, metrics):
        cells = {verdict: counts[candidate, baseline, metric, verdict] for verdict in Verdict}
        if any(cells.values()):
            yield VerdictCounts(candidate, baseline, metric, cells, comparison.means.get((candidate, metric)))


def order_by_size(rows: Iterable[Compared]) -> list[Compared]:
    """Sort significant changes by size, then what is the same, then what is undecided."""
    return sorted(rows, key=lambda row: (_RANKS[row.verdict], -abs(math.log(row.ratio.ratio))))


_RANKS: Final = {Verdict.FASTER: 0, Verdict.SLOWER: 0, Verdict.SAME: 1, Verdict.UNDECIDED: 2}
