"""The model and interpreter that serve a workload best by an objective, how certain that is, and why.

Candidates are the cells with the most clients, ranked as in :mod:`bench.analysis.rankings`: cells tied with the best
are named with it. A cell with at least half of its windows disturbed is not a candidate, and is named as such.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import pandas as pd

from bench.analysis.load import Run
from bench.analysis.overlap import disturbed
from bench.analysis.rankings import Pair, group_by_pass, significant_pairs
from bench.analysis.stats import CELL, Answer, Spread, paired_ratio, pass_spreads, pick
from bench.narrative import wording
from bench.schema.thread_state import BUSY_STATES, CPU

MIN_SHARE_ADVISED: Final = 0.1  # of the serving threads' time
SAME_SHOWN: Final = 3

_HINDRANCES: Final = tuple(state for state in BUSY_STATES if state is not CPU)
_UNITS_S: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class Objective(NamedTuple):
    """What to optimise.

    Attributes:
        column: column of the windows.
        more: whether more is better.
        says: its description, with a placeholder for the figure.
        figure: formats a figure.
        p99_below_ns: upper bound of the 99th percentile of latency; ``None``: unbounded.
    """

    column: str
    more: bool
    says: str
    p99_below_ns: float | None = None

    def figure(self, value: float) -> str:
        if self.column in {"pss_bytes", "peak_rss_bytes"}:
            value /= 2**20
        elif self.column == "cpu_s_per_request":
            value *= 1e6
        return self.says.format(wording.rate(value))


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The recommendation for a workload.

    Attributes:
        workload: name of the workload.
        best: model, workload, clients, interpreter; ``None`` if nothing meets the objective.
        says: the sentence.
    """

    workload: str
    best: tuple[str, str, int, str] | None
    says: str

    def __str__(self) -> str:
        return f"{self.workload}: {self.says}"


def objective(text: str) -> Objective:
    """Return the objective for ``--objective``: "throughput", "p99<20ms", "cpu" or "memory"."""
    throughput = Objective("throughput_rps", True, "{} requests/s")
    what, _, bound = text.partition("<")
    if what == "p99" and bound:
        unit = next(unit for unit in _UNITS_S if bound.endswith(unit))
        return throughput._replace(p99_below_ns=float(bound.removesuffix(unit)) * _UNITS_S[unit] * 1e9)
    return {
        "cpu": Objective("cpu_s_per_request", False, "{} µs of CPU per request"),
        "memory": Objective("pss_bytes", False, "{} MiB of memory"),
    }.get(text, throughput)


@functools.lru_cache(maxsize=4)
def recommendations(run: Run) -> tuple[Recommendation, ...]:
    """Return a recommendation for each workload that was measured in several cells."""
    return tuple(_recommend(run))


def _recommend(run: Run) -> Iterator[Recommendation]:
    wanted = objective(run.objective)
    if wanted.column == "pss_bytes":
        wanted = wanted._replace(column=run.memory_column)
    windows = run.windows[run.windows["requests"] > 0]
    spreads, p99 = pass_spreads(windows, wanted.column), pass_spreads(windows, "latency_p99_ns")
    out = disturbed(run)
    for workload in run.values("workload"):
        here = windows[windows["workload"] == workload]
        if here.empty:
            continue
        here = here[here["clients"] == here["clients"].max()]
        cells = list(dict.fromkeys(here[CELL].itertuples(index=False, name=None)))
        fit = [cell for cell in cells if cell not in out]
        if len(cells) > 1 and not fit:
            yield Recommendation(workload, None, "no recommendation, since most of the windows were disturbed")
        elif len(cells) > 1:
            found = _recommendation(workload, fit, wanted, here, (spreads, p99))
            yield replace(found, says=found.says + _left_out([cell for cell in cells if cell in out]))


def _recommendation(
    workload: str,
    cells: list[Any],
    wanted: Objective,
    windows: pd.DataFrame,
    known: tuple[pd.DataFrame, pd.DataFrame],
) -> Recommendation:
    spreads, p99 = known
    fit = {cell: spread for cell in cells if _fits(pick(p99, cell), wanted) and (spread := pick(spreads, cell))}
    if not fit:
        least = min((spread.median for cell in cells if (spread := pick(p99, cell))), default=float("nan"))
        return Recommendation(
            workload, None, f"no cell keeps the 99th percentile below the bound; the lowest is {_ms(least)}"
        )
    sign = -1 if wanted.more else 1
    best, *others = sorted(fit, key=lambda cell: sign * fit[cell].median)
    figures = group_by_pass(windows, wanted.column)
    significant = significant_pairs([figures[cell] for cell in (best, *others)])
    same = [other for place, other in enumerate(others, 1) if Pair(0, place) not in significant]
    sentence = f"{_name(best)} with {wording.plural(best[2], 'client')}: {_figures(wanted, fit[best])}"
    next_best = next((other for other in others if other not in same), None)
    if same:
        sentence += f"; tied with it: {_several(same)}"
    if next_best is not None and (ratio := paired_ratio(windows, wanted.column, best, next_best)):
        sentence += f"; {wording.times(ratio)} that of the next best, {_name(next_best)}"
    return Recommendation(workload, best, sentence + _why(windows, best, next_best))


def _left_out(cells: list[Any]) -> str:
    """Name the cells that are not candidates."""
    return f"; not considered because disturbed: {_several(cells)}" if cells else ""


def _several(cells: list[Any]) -> str:
    more = [f"{len(cells) - SAME_SHOWN} more"] if len(cells) > SAME_SHOWN else []
    return wording.join_words([*map(_name, cells[:SAME_SHOWN]), *more])


def _fits(p99: Spread | None, wanted: Objective) -> bool:
    """Return whether the whole range over passes stays below the bound."""
    return wanted.p99_below_ns is None or (p99 is not None and p99.above(wanted.p99_below_ns) is Answer.NO)


def _figures(wanted: Objective, spread: Spread) -> str:
    if not spread.has_range:
        return f"{wanted.figure(spread.median)} (one pass)"
    low, high = (wanted.figure(end).split()[0] for end in (spread.low, spread.high))
    return f"{wanted.figure(spread.median)} ({low}–{high})"


def _why(windows: pd.DataFrame, best: tuple[Any, ...], other: tuple[Any, ...] | None) -> str:
    """Explain the best and the next best by their thread states."""
    parts = []
    for cell in (best, other):
        if cell is None:
            continue
        rows = windows[(windows[CELL] == list(cell)).all(axis="columns")]
        cores = f"{wording.ratio(float(rows['effective_cores'].median()))} cores"
        shares = {state: float(rows[f"thread_{state.key}_share"].mean()) for state in _HINDRANCES}
        hindered = [
            f"{share:.0%} {state.phrase}"
            for state, share in sorted(shares.items(), key=lambda item: -item[1])
            if share > MIN_SHARE_ADVISED
        ]
        kept = f" (threads: {wording.join_words(hindered[:2])})" if hindered else ""
        parts.append(f"{_name(cell)} uses {cores}{kept}")
    return f". {'; '.join(parts)}"


def _name(cell: tuple[Any, ...]) -> str:
    return f"{cell[0]} on {cell[3]}"


def _ms(ns: float) -> str:
    return f"{wording.milliseconds(ns)} ms"
