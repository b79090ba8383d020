"""Significance of the differences in a ranking.

All cells with the same workload and number of clients are compared with each other: by paired ratios over passes, as
everywhere in this package, corrected for the number of pairs.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from bench.analysis.disturbance import disturbed_cells
from bench.analysis.load import Run
from bench.analysis.stats import RATE, figures_by_pass
from bench.schema.cell import Cell
from bench.stats import ratios
from bench.stats.ratios import Figures

ALPHA: Final = 1 - ratios.CONFIDENCE


class Pair(NamedTuple):
    """Positions of two cells in a ranking, the better one first."""

    above: int
    below: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Cells with the same workload and number of clients, by throughput.

    Attributes:
        workload: workload of all cells.
        clients: number of clients of all cells.
        cells: the cells, most requests per second first.
        significant: pairs with a significant difference: the 95% interval of their ratio excludes 1, and so does the
            test corrected for the number of pairs (:func:`~bench.stats.ratios.correct_p_values`).
        left_out: cells that are not ranked, since they were disturbed.
    """

    workload: str
    clients: int
    cells: tuple[Cell, ...]
    significant: frozenset[Pair]
    left_out: tuple[Cell, ...] = ()

    def bits(self) -> str:
        """Return all pairs in order, (0, 1), (0, 2), ... (1, 2), ...: 1 where the difference is significant."""
        return "".join(
            "01"[Pair(*pair) in self.significant] for pair in itertools.combinations(range(len(self.cells)), 2)
        )


def rankings(run: Run) -> Iterator[Ranking]:
    """Yield a ranking for each workload and number of clients, in the plan's order."""
    figures, disturbed = figures_by_pass(run.windows, RATE), disturbed_cells(run)
    for workload, clients in itertools.product(run.values("workload"), run.values("clients")):
        here = [cell for cell in figures if (cell.workload, cell.clients) == (workload, clients)]
        quiet = [cell for cell in here if cell not in disturbed]
        cells = sorted(quiet, key=lambda cell: -statistics.median(figures[cell].values()))
        left_out = tuple(cell for cell in here if cell in disturbed)
        if here:
            significant = significant_pairs([figures[cell] for cell in cells])
            yield Ranking(workload, clients, tuple(cells), significant, left_out)


def significant_pairs(figures: Sequence[Figures]) -> frozenset[Pair]:
    """Return the pairs of positions with a significant difference, from each position's figures by pass."""
    pairs = [Pair(*pair) for pair in itertools.combinations(range(len(figures)), 2)]
    differ = _differ([(figures[above], figures[below]) for above, below in pairs])
    return frozenset(pair for pair, significant in zip(pairs, differ, strict=True) if significant)


def differ_from(first: Figures, others: Sequence[Figures]) -> list[bool]:
    """Return for each of some cells whether it differs significantly from one, corrected for their number."""
    return _differ([(first, other) for other in others])


def _differ(pairs: Sequence[tuple[Figures, Figures]]) -> list[bool]:
    found = [ratios.paired_ratio(above, below) for above, below in pairs]
    adjusted = ratios.correct_p_values([math.nan if one is None else one.p_value() for one in found])
    return [
        one is not None and one.has_interval and p < ALPHA and not one.low <= 1 <= one.high
        for one, p in zip(found, adjusted, strict=True)
    ]
