"""Explanation of why a cell is as fast as it is, in sentences with their figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from bench.analysis.load import Run
from bench.analysis.profile.load import load_profiles
from bench.analysis.profile.top import lines
from bench.analysis.stats import CELL, Answer, Spread, paired_ratio, pass_spreads, pick
from bench.narrative import wording
from bench.narrative.profiles import describe_profile
from bench.narrative.run_warnings import collect_window_warnings
from bench.narrative.scaling import limits
from bench.paths import command_line
from bench.schema.cell import Cell
from bench.schema.thread_state import THREAD_STATES
from loadgen.errors import InvalidInput
from loadgen.nearest import COMPOUNDS_ALIKE, did_you_mean

MIN_SHARE_NAMED: Final = 0.05  # of the serving threads' time
ALL_IN_USE: Final = 0.85  # of the CPUs
_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class CellOfRun:
    """A cell with its run."""

    run: Run
    key: Cell

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def windows(self) -> pd.DataFrame:
        return self.run.windows[(self.run.windows[CELL] == list(self.key)).all(axis="columns")]

    def figure(self, column: str) -> Spread:
        """Return a figure over passes."""
        found = pick(pass_spreads(self.windows, column), self.key)
        assert found is not None  # noqa: S101 - the cell has windows
        return found

    def share(self, state: str) -> float:
        """Return a state's share of the serving threads' time; 0 where unknown."""
        value = float(self.windows[f"thread_{state}_share"].median())
        return value if value == value else 0.0  # noqa: PLR0124 - NaN


def explain(run: Run, name: str) -> Iterator[str]:
    """Yield the sentences about a cell.

    Raises:
        InvalidInput: the run has no such cell.
    """
    cell = _cell(run, name)
    for shown in (
        _describe_speed,
        _describe_cores,
        _describe_thread_states,
        _describe_profile,
        _describe_scaling,
        _describe_warnings,
        _describe_advice,
    ):
        yield from shown(cell)


def _cell(run: Run, name: str) -> CellOfRun:
    cells = {cell.name: cell for cell in run.cells}
    if name in cells:
        return CellOfRun(run, cells[name])
    names = list(cells)
    meant = did_you_mean(name, names, COMPOUNDS_ALIKE)
    raise InvalidInput(
        f"{run.name} has no cell {name}{meant}: use a name from its page, for example {', '.join(names[:3])}"
    )


def _describe_speed(cell: CellOfRun) -> Iterator[str]:
    rate, p99 = cell.figure("throughput_rps"), cell.figure("latency_p99_ns")
    model, workload, clients, interpreter = cell.key
    span = f" ({wording.rate(rate.low)} to {wording.rate(rate.high)} over passes)" if rate.has_range else " (one pass)"
    yield (
        f"{model} on {interpreter} answers {wording.rate(rate.middle)} {workload} requests/s{span} with "
        f"{wording.plural(clients, 'client')}; the 99th percentile of latency is {wording.milliseconds(p99.middle)} ms."
    )
    serial = _describe_ratio(cell, ("serial", workload, clients, interpreter))
    if serial is not None and model != "serial":
        yield f"That is {wording.times(serial)} serial's on {cell.key[3]} (mean and 95% interval over launches)."


def _describe_cores(cell: CellOfRun) -> Iterator[str]:
    cores, cpus = cell.figure("effective_cores"), cell.run.cpus
    of_all = f" of {wording.plural(cpus, 'CPU')}" if cpus else ""
    yield f"Its server keeps {wording.ratio(cores.middle)}{of_all} busy{_parallel(cores.middle)}."


def _parallel(cores: float) -> str:
    return ": it computes on several at once" if cores > 1.15 else ": not more than one at once" if cores > 0.85 else ""


def _describe_thread_states(cell: CellOfRun) -> Iterator[str]:
    spent = sorted(((cell.share(state.key), state.phrase) for state in THREAD_STATES), reverse=True)
    shown = [f"{share:.0%} {words}" for share, words in spent if share >= MIN_SHARE_NAMED]
    if not shown:
        reasons = sorted({str(reason) for reason in cell.windows["thread_accounting_unknown"].dropna()})
        yield f"Its threads' time cannot be broken down: {'; '.join(reasons) or 'the windows were too short'}."
        return
    error = float(cell.windows["thread_share_error"].median())
    sure = f" (standard error of a window up to {error:.1%})" if error == error else ""  # noqa: PLR0124 - NaN
    yield f"Its serving threads spend their time {wording.join_words(shown)}{sure}."


def _describe_profile(cell: CellOfRun) -> Iterator[str]:
    profile = next((one for one in load_profiles(cell.run.folder) if one.name == cell.name), None)
    if profile is None:
        command = command_line("profile", ["--from", str(cell.run.folder), "--cell", cell.name])
        yield f"It has not been profiled: {command} shows its lines and its timeline."
        return
    yield from describe_profile(profile)
    for kind, what in (("gil", "hold the GIL"), ("cpu", "are on a CPU, or in the queue for one")):
        top = [
            f"{one.name} {one.time_share:.0%} of the time"
            for one in lines(profile, kind)[:_LINES]
            if one.time_share > 0.01
        ]
        if top:
            yield f"Lines that most often {what}: {', '.join(top)}."
            break


def _describe_scaling(cell: CellOfRun) -> Iterator[str]:
    model, workload, _, interpreter = cell.key
    shown = limits(cell.run, model, workload, interpreter)
    if shown:
        yield f"Fit of its throughput: {shown}."


def _describe_warnings(cell: CellOfRun) -> Iterator[str]:
    for warning in collect_window_warnings(replace(cell.run, windows=cell.windows)):
        yield f"Warning for {warning.where}: {warning.says}."


def _describe_advice(cell: CellOfRun) -> Iterator[str]:
    shown = [advise(cell) for holds, advise in _ADVICE if holds(cell)] or [_nothing(cell)]
    yield f"What to try next: {'; '.join(shown)}."


def _describe_ratio(cell: CellOfRun, other: tuple[str, str, int, str]) -> Spread | None:
    """Return its throughput over another cell's, paired by passes; ``None`` if that was not measured."""
    return paired_ratio(cell.run.windows, "throughput_rps", cell.key, other)


def _better(cell: CellOfRun, others: Iterator[tuple[str, str, int, str]], what: str) -> str:
    """Name the best of some other cells, if the interval of its ratio lies above 1."""
    found = [(other, ratio) for other in others if (ratio := _describe_clients(cell, other)) is not None]
    sure = [one for one in found if one[1].has_range and one[1].above(1.0) is Answer.YES]
    if not sure:
        return f"{what} (none measured here is clearly better)"
    best, ratio = max(sure, key=lambda one: one[1].middle)
    return f"{what}: {best[0]} on {best[3]} served {wording.times(ratio)} as many requests in this run"


def _describe_clients(cell: CellOfRun, other: tuple[str, str, int, str]) -> Spread | None:
    known = (cell.run.windows[CELL] == list(other)).all(axis="columns").any()
    return paired_ratio(cell.run.windows, "throughput_rps", other, cell.key) if known and other != cell.key else None


def _models(cell: CellOfRun) -> Iterator[tuple[str, str, int, str]]:
    yield from ((model, *cell.key[1:]) for model in cell.run.values("model"))


def _interpreters(cell: CellOfRun) -> Iterator[tuple[str, str, int, str]]:
    yield from ((*cell.key[:3], interpreter) for interpreter in cell.run.values("interpreter"))


def _waits_for_gil(cell: CellOfRun) -> bool:
    return cell.share("gil_wait") >= 0.15


def _all_in_use(cell: CellOfRun) -> bool:
    cpus: Any = cell.run.cpus
    return bool(cpus) and cell.figure("effective_cores").middle >= ALL_IN_USE * cpus


def _one_core(cell: CellOfRun) -> bool:
    return ALL_IN_USE <= cell.figure("effective_cores").middle < 1.15


def _nothing(cell: CellOfRun) -> str:
    return _better(cell, _models(cell), "another model, since nothing stands out")


_ADVICE: Final[tuple[tuple[Callable[[CellOfRun], bool], Callable[[CellOfRun], str]], ...]] = (
    (
        _waits_for_gil,
        lambda cell: _better(
            cell,
            _interpreters(cell),
            f"an interpreter without a GIL, since threads wait for it {cell.share('gil_wait'):.0%} of the time",
        ),
    ),
    (_waits_for_gil, lambda cell: _better(cell, _models(cell), "or a model with several interpreters or processes")),
    (
        lambda cell: cell.share("lock_wait") >= 0.15,
        lambda cell: f"hold locks for less time: threads wait for one {cell.share('lock_wait'):.0%} of the time",
    ),
    (
        lambda cell: cell.share("blocked") >= 0.3 and cell.figure("effective_cores").middle < 0.85,
        lambda cell: _better(
            cell,
            _models(cell),
            f"a model with more requests at once, since threads are blocked {cell.share('blocked'):.0%} of the time",
        ),
    ),
    (
        _all_in_use,
        lambda cell: (
            "less work per request, or more CPUs: all are in use "
            f"({wording.ratio(cell.figure('effective_cores').middle)} of {cell.run.cpus:g})"
        ),
    ),
    (
        lambda cell: not _waits_for_gil(cell) and not _all_in_use(cell) and _one_core(cell),
        lambda cell: _better(cell, _models(cell), "a model that uses more cores, since its single core is saturated"),
    ),
    (
        lambda cell: cell.share("idle") >= 0.5,
        lambda cell: (
            f"more clients: threads are idle {cell.share('idle'):.0%} of the time, so the load is the limit, not the "
            "server"
        ),
    ),
)
"""Conditions, and the advice for each."""
