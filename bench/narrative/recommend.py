"""Recommendations: the decisions of :mod:`bench.analysis.decisions` in words, with what to watch out for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from bench.analysis import decisions, launches
from bench.analysis.decisions import CPU_TIME, P99, Decision
from bench.analysis.disturbance import MOST, disturbed_windows
from bench.analysis.load import Run
from bench.analysis.stats import RATE, Spread, pass_spreads, pick
from bench.narrative import wording
from bench.schema.cell import Cell
from bench.schema.thread_state import BUSY_STATES, CPU

MIN_SHARE_ADVISED: Final = 0.1  # of the serving threads' time
TIED_SHOWN: Final = 3

_HINDRANCES: Final = tuple(state for state in BUSY_STATES if state is not CPU)
_MEMORY: Final = ("pss_bytes", "peak_rss_bytes")
_UNITS: Final = {RATE: "requests/s", CPU_TIME: "µs of CPU per request", **dict.fromkeys(_MEMORY, "MiB of memory")}

_FIGURES: Final[dict[str, Callable[[float], str]]] = {
    RATE: wording.rate,
    P99: wording.milliseconds,
    CPU_TIME: lambda seconds: wording.rate(seconds * 1e6),
    **dict.fromkeys(_MEMORY, lambda count: wording.rate(count / 2**20)),
}
"""How a figure of each column is written."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The recommendation for a workload.

    Attributes:
        workload: name of the workload.
        does: what a request of it does.
        best: the cell; ``None`` if nothing can be recommended.
        answer: the best in words, or why there is none.
        tied: cells tied with it, in words; empty: none.
        figures: requests/s, 99th percentile in ms, CPU time per request in µs, memory in MiB; as texts.
        quickest: the cell with the lowest 99th percentile, if it is another and much lower, in words; empty: none.
        watch_out: what could make the choice a bad one.
        says: all of it in a sentence.
    """

    workload: str
    does: str
    best: Cell | None
    answer: str
    tied: str
    figures: tuple[str, str, str, str]
    quickest: str
    watch_out: tuple[str, ...]
    says: str

    def __str__(self) -> str:
        return f"{self.workload}: {self.says}"


MUCH_LOWER: Final = 0.7  # of the best cell's 99th percentile


def titles(run: Run) -> tuple[str, str, str, str]:
    """Return the titles of :attr:`Recommendation.figures`."""
    return ("requests/s", "p99 ms", "CPU µs/req", "PSS MiB" if run.memory_column == "pss_bytes" else "peak MiB")


@functools.lru_cache(maxsize=4)
def recommendations(run: Run) -> tuple[Recommendation, ...]:
    """Return a recommendation for each workload that was measured in several cells."""
    return tuple(_recommend(run, decision) for decision in decisions.decisions(run))


def _recommend(run: Run, decision: Decision) -> Recommendation:
    name = functools.partial(wording.cell_name, run)
    does = wording.work(decision.workload)
    left_out = (f"left out because disturbed: {_several(run, decision.disturbed)}",) if decision.disturbed else ()
    if decision.best is None or decision.figures is None:
        answer = _why_not(decision, name)
        return Recommendation(
            decision.workload, does, None, answer, "", ("", "", "", ""), "", left_out, "; ".join((answer, *left_out))
        )
    memory = next(column for column in _MEMORY if column in decision.figures)
    rate, p99, cpu_time, mib = (_figure(column, decision.figures[column]) for column in (RATE, P99, CPU_TIME, memory))
    watch_out = (*_watch_out(run, decision.best), *left_out)
    return Recommendation(
        decision.workload,
        does,
        decision.best,
        name(decision.best),
        _several(run, decision.tied) if decision.tied else "",
        (rate, p99, cpu_time, mib),
        _quickest(run, decision),
        watch_out,
        "; ".join((_sentence(run, decision, decision.best, name), *watch_out)),
    )


def _why_not(decision: Decision, name: Callable[[Cell], str]) -> str:
    if decision.ahead_although_disturbed:
        return f"undecided: {name(decision.ahead_although_disturbed[0])} is ahead, although disturbed"
    if decision.objective.p99_below_ns and decision.lowest_p99_ns > 0:
        return f"no cell keeps the 99th percentile below the bound; the lowest is {_ms(decision.lowest_p99_ns)}"
    return _ALL_DISTURBED if decision.disturbed else "nothing was answered"


_ALL_DISTURBED: Final = "no recommendation, since most of the windows were disturbed"


def _sentence(run: Run, decision: Decision, best: Cell, name: Callable[[Cell], str]) -> str:
    column = decision.objective.column
    spread = (decision.figures or {})[column]
    sentence = f"{name(best)} with {wording.plural(best.clients, 'client')}: {_ranged(column, spread)}"
    if decision.tied:
        sentence += f"; tied with it: {_several(run, decision.tied)}"
    if decision.next_best is not None and decision.ahead is not None:
        sentence += f"; {wording.times(decision.ahead)} that of the next best, {name(decision.next_best)}"
    cells = [best] if decision.next_best is None else [best, decision.next_best]
    return f"{sentence}. {'; '.join(_why(run, cell, name) for cell in cells)}"


def _quickest(run: Run, decision: Decision) -> str:
    best = (decision.figures or {}).get(P99)
    if decision.quickest is None or best is None or decision.lowest_p99_ns > MUCH_LOWER * best.middle:
        return ""
    name, rate = (
        wording.cell_name(run, decision.quickest),
        pick(pass_spreads(_windows(run, decision.quickest), RATE), decision.quickest),
    )
    return f"lowest p99: {name}, {_ms(decision.lowest_p99_ns)} at {_figure(RATE, rate)} requests/s"


def _figure(column: str, spread: Spread | None) -> str:
    return wording.UNKNOWN if spread is None else _FIGURES[column](spread.middle)


def _ranged(column: str, spread: Spread | None) -> str:
    if spread is None:
        return wording.UNKNOWN
    write = _FIGURES[column]
    over = f"{write(spread.low)}–{write(spread.high)}" if spread.has_range else "one pass"
    return f"{write(spread.middle)} {_UNITS[column]} ({over})"


def _several(run: Run, cells: Sequence[Cell]) -> str:
    """Name cells by model: ``threaded on 3.13t and 3.13, multiprocess on 3.14 and 2 more``."""
    by_model: dict[str, list[Cell]] = {}
    for cell in cells:
        by_model.setdefault(wording.model_name(run, cell.model, cell.interpreter), []).append(cell)
    named = [
        f"{model} on {wording.join_words(cell.interpreter for cell in here)}"
        for model, here in list(by_model.items())[:TIED_SHOWN]
    ]
    rest = sum(map(len, list(by_model.values())[TIED_SHOWN:]))
    return f"{', '.join(named)}{f' and {rest} more' if rest else ''}"


def _why(run: Run, cell: Cell, name: Callable[[Cell], str]) -> str:
    """Explain a cell by its thread states."""
    rows = _windows(run, cell)
    cores = f"{wording.ratio(float(rows['effective_cores'].median()))} cores"
    shares = {state: float(rows[f"thread_{state.key}_share"].mean()) for state in _HINDRANCES}
    hindered = [
        f"{share:.0%} {state.phrase}"
        for state, share in sorted(shares.items(), key=lambda item: -item[1])
        if share > MIN_SHARE_ADVISED
    ]
    kept = f" (threads: {wording.join_words(hindered[:2])})" if hindered else ""
    return f"{name(cell)} uses {cores}{kept}"


def _watch_out(run: Run, cell: Cell) -> Iterator[str]:
    """Yield what a reader of one line of figures would miss."""
    rows = _windows(run, cell)
    codes = {str(one.get("code")) for shown in rows["warnings"] for one in shown}
    workers = run.pool_size(cell.model, cell.interpreter)
    if workers is not None and workers < cell.clients:
        yield f"a pool of {workers} for {wording.plural(cell.clients, 'client')}"
    if "generator_busy" in codes:
        yield f"load generator {rows['generator_utilisation'].max():.0%} busy: a lower bound"
    elif "contended" in codes:
        yield "shares the CPUs with the load generator: a lower bound"
    if disturbed_windows(run)[rows.index].mean() >= MOST:
        yield "other programs ran meanwhile, on CPUs that were idle"
    if codes & {"errors", "handler_failed"}:
        yield "some requests failed"
    if rows["thread_gil_wait_share"].mean() > MIN_SHARE_ADVISED:
        yield f"threads wait for the GIL {rows['thread_gil_wait_share'].mean():.0%} of the time"


def _windows(run: Run, cell: Cell) -> pd.DataFrame:
    return launches.windows_by_cell(run)[cell]


def _ms(ns: float) -> str:
    return f"{wording.milliseconds(ns)} ms"
