"""The model and interpreter that serve each workload best by an objective, and how certain that is.

Candidates are the cells with the most clients. Those that do not differ significantly from the best, corrected for
their number, are tied with it. A disturbed cell is not a candidate.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import pandas as pd

from bench.analysis.disturbance import disturbed_cells
from bench.analysis.load import Run
from bench.analysis.rankings import differ_from
from bench.analysis.stats import RATE, Answer, Spread, figures_by_pass, paired_ratio, pass_spreads, pick
from bench.schema.cell import Cell

P99: Final = "latency_p99_ns"
CPU_TIME: Final = "cpu_s_per_request"
_UNITS_S: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class Objective(NamedTuple):
    """What to optimise.

    Attributes:
        column: column of the windows.
        more: whether more is better.
        p99_below_ns: upper bound of the 99th percentile of latency; ``None``: unbounded.
    """

    column: str
    more: bool
    p99_below_ns: float | None = None

    def met(self, p99: Spread | None) -> bool:
        """Return whether the whole range over passes stays below the bound."""
        return self.p99_below_ns is None or (p99 is not None and p99.above(self.p99_below_ns) is Answer.NO)


@dataclass(frozen=True, slots=True)
class Decision:
    """The best cell for a workload.

    Attributes:
        workload: name of the workload.
        clients: number of clients of all candidates.
        objective: what it is the best by.
        best: the cell; ``None``: all candidates were disturbed, or none meets the bound.
        figures: of the best, by column: of the objective, throughput, 99th percentile, CPU time, memory.
        tied: candidates without a significant difference from the best.
        next_best: the best of the others.
        ahead: ratio of the best to the next best, by the objective's column.
        disturbed: cells that are not candidates, since they were disturbed.
        lowest_p99_ns: the lowest 99th percentile of the candidates; NaN if unknown.
        quickest: the candidate that has it; ``None`` if unknown.
        ahead_although_disturbed: disturbed cells with a better figure than the best candidate: nothing is decided,
            since a disturbance can only have cost them something.
    """

    workload: str
    clients: int
    objective: Objective
    best: Cell | None = None
    figures: dict[str, Spread | None] | None = None
    tied: tuple[Cell, ...] = ()
    next_best: Cell | None = None
    ahead: Spread | None = None
    disturbed: tuple[Cell, ...] = ()
    lowest_p99_ns: float = math.nan
    quickest: Cell | None = None
    ahead_although_disturbed: tuple[Cell, ...] = ()


def objective(run: Run) -> Objective:
    """Return the objective of a run: "throughput", "p99<20ms", "cpu" or "memory"."""
    what, _, bound = run.objective.partition("<")
    if what == "p99" and bound:
        unit = next(unit for unit in _UNITS_S if bound.endswith(unit))
        return Objective(RATE, True, float(bound.removesuffix(unit)) * _UNITS_S[unit] * 1e9)
    columns = {"cpu": CPU_TIME, "memory": run.memory_column}
    return Objective(columns.get(what, RATE), what not in columns)


@functools.lru_cache(maxsize=4)
def decisions(run: Run) -> tuple[Decision, ...]:
    """Return a decision for each workload that was measured in several cells."""
    return tuple(_decide(run))


def _decide(run: Run) -> Iterator[Decision]:
    wanted, disturbed = objective(run), disturbed_cells(run)
    windows = run.windows[run.windows["requests"] > 0]
    columns = dict.fromkeys((wanted.column, RATE, P99, CPU_TIME, run.memory_column))
    spreads = {column: pass_spreads(windows, column) for column in columns}
    for workload in run.values("workload"):
        here = windows[windows["workload"] == workload]
        here = here[here["clients"] == here["clients"].max()]
        cells = list(figures_by_pass(here, wanted.column))
        if len(cells) < 2:
            continue
        left_out = tuple(cell for cell in cells if cell in disturbed)
        candidates = [cell for cell in cells if cell not in disturbed]
        p99 = {cell: spread for cell in candidates if (spread := pick(spreads[P99], cell))}
        fit = [cell for cell in candidates if wanted.met(p99.get(cell)) and pick(spreads[wanted.column], cell)]
        none = Decision(
            workload,
            cells[0].clients,
            wanted,
            disturbed=left_out,
            lowest_p99_ns=min((spread.middle for spread in p99.values()), default=math.nan),
            quickest=min(p99, key=lambda cell: p99[cell].middle, default=None),
        )
        rank = functools.partial(_rank, spreads[wanted.column]["middle"], -1 if wanted.more else 1)
        ahead = sorted((cell for cell in left_out if fit and rank(cell) < min(map(rank, fit))), key=rank)
        if fit and not ahead:
            yield _best(none, sorted(fit, key=rank), here, spreads)
        else:
            yield replace(none, ahead_although_disturbed=tuple(ahead))


def _rank(middles: pd.Series[float], sign: int, cell: Cell) -> float:
    """Return what is lower for a better cell."""
    return sign * float(middles[cell])


def _best(decision: Decision, ranked: list[Cell], windows: pd.DataFrame, spreads: dict[str, pd.DataFrame]) -> Decision:
    column = decision.objective.column
    best, *others = ranked
    figures = figures_by_pass(windows, column)
    differ = differ_from(figures[best], [figures[cell] for cell in others])
    tied = tuple(other for other, significant in zip(others, differ, strict=True) if not significant)
    next_best = next((other for other in others if other not in tied), None)
    return replace(
        decision,
        best=best,
        figures={name: pick(frame, best) for name, frame in spreads.items()},
        tied=tied,
        next_best=next_best,
        ahead=None if next_best is None else paired_ratio(windows, column, best, next_best),
    )
