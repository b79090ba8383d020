"""What was seen of each model and of each pair of targets, a sentence each, from the numbers alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import pandas as pd

from bench.analysis import comparison, starts, wording
from bench.analysis.company import MIXED, sentences
from bench.analysis.comparison import within
from bench.analysis.load import Run
from bench.analysis.stats import BASELINE, Spread, Verdict, against_serial, over_passes, pick

OVERLAPS_ABOVE: Final = 1.2  # times serial; what noise and the generator's share of the CPUs do not make
SEVERAL_CORES_ABOVE: Final = 1.2  # effective cores; an accounting tick at each edge stays below

Key = tuple[str, str, int, str]  # a cell: model, workload, clients, target

WAITS: Final = "io"
COMPUTES: Final = "cpu"

_DOES: Final = {
    (Verdict.YES, True): "overlaps",
    (Verdict.YES, False): "seems to overlap",
    (Verdict.NO, True): "does not overlap",
    (Verdict.NO, False): "does not seem to overlap",
    (Verdict.UNCLEAR, True): "may or may not overlap",
    (Verdict.UNCLEAR, False): "may or may not overlap",
}
_WORKLOADS: Final = {WAITS: "waiting", COMPUTES: "computing"}
_CONCLUSIONS: Final = {
    (Verdict.YES, Verdict.YES): "concurrency and parallelism",
    (Verdict.YES, Verdict.NO): "concurrency without parallelism",
    (Verdict.NO, Verdict.YES): "parallelism without concurrency",
    (Verdict.NO, Verdict.NO): "neither concurrency nor parallelism",
}
_ANSWERS: Final = {
    comparison.Verdict.FASTER: "faster",
    comparison.Verdict.SLOWER: "slower",
    comparison.Verdict.SAME: "the same",
    comparison.Verdict.UNDECIDED: "no clear difference",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence.

    Attributes:
        subject: what it is about, as ``threaded on 3.13``.
        says: the rest of it.
    """

    subject: str
    says: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.says}"


class _Seen(NamedTuple):
    """What was seen of a model on one workload, at its highest number of clients."""

    workload: str
    clients: int
    speedup: Spread | None
    cores: Spread | None
    contended: bool
    disturbed: bool

    @property
    def verdict(self) -> Verdict | None:
        """Whether requests overlap; ``None`` if that cannot be told: no serial beside it, or one client only.

        Computing that overlaps shows twice, in the speed-up and in the cores in use; the one without the other, as when
        other programs slowed serial down, is no proof.
        """
        if self.speedup is None or self.clients == 1:
            return None
        if self.disturbed:
            return Verdict.UNCLEAR
        verdict = self.speedup.above(OVERLAPS_ABOVE)
        one_core = self.cores is not None and self.cores.above(SEVERAL_CORES_ABOVE) is not Verdict.YES
        return Verdict.UNCLEAR if verdict is Verdict.YES and self.workload == COMPUTES and one_core else verdict


def findings(run: Run) -> list[Finding]:
    """Return the sentences: models in the plan's order, target by target, then targets against each other."""
    ratios = against_serial(run.windows)
    cores = over_passes(run.windows, "effective_cores")
    disturbed = _disturbed(run)
    found = [
        Finding(f"{model} on {target}", says)
        for target in run.values("target")
        for model in run.values("model")
        if (says := _of_model(run, (model, target), ratios, cores, disturbed))
    ]
    return [*found, *(Finding(*one) for one in sentences(run)), *_of_targets(run, disturbed)]


def _of_model(
    run: Run, subject: tuple[str, str], ratios: pd.DataFrame, cores: pd.DataFrame, disturbed: set[Key]
) -> str:
    model, target = subject
    here = run.windows[(run.windows["model"] == model) & (run.windows["target"] == target)]
    seen = []
    for workload in (name for name in run.values("workload") if not name.startswith(MIXED)):
        rows = here[here["workload"] == workload]
        if rows.empty:
            continue
        clients = int(rows["clients"].max())
        key = (model, workload, clients, target)
        codes = {w.get("code") for ws in rows.loc[rows["clients"] == clients, "warnings"] for w in ws}
        seen.append(
            _Seen(workload, clients, pick(ratios, key), pick(cores, key), "contended" in codes, key in disturbed)
        )
    if not seen:
        return ""
    if model == BASELINE:
        return _as_baseline(here, seen, target)
    return _judged(seen) or _from_cores(seen)


def _as_baseline(here: pd.DataFrame, seen: list[_Seen], target: str) -> str:
    rates = over_passes(here, "throughput_rps")
    parts = []
    for one in seen:
        rate = pick(rates, (BASELINE, one.workload, one.clients, target))
        if rate:
            parts.append(f"{one.workload} {wording.rate(rate.median)} req/s{_on_cores(one, ' on ')}")
    return f"the baseline; with {_clients(seen)}, {', '.join(parts)}" if parts else ""


def _judged(seen: list[_Seen]) -> str:
    told = [one for one in seen if one.workload in _WORKLOADS and one.verdict]
    if not told:
        return ""
    told.sort(key=lambda one: list(_WORKLOADS).index(one.workload))
    verdicts = [one.verdict for one in told]
    opposed = len(told) == 2 and verdicts[0] is not verdicts[1]
    sentence = f"with {_clients(told)}, " + (" but " if opposed else " and ").join(map(_overlap, told))
    conclusion = _CONCLUSIONS.get(tuple(verdicts)) if len(told) == 2 else None  # type: ignore[arg-type]
    sentence += f": {conclusion}" if conclusion else ""
    return sentence + "".join(map(_aside, told))


def _overlap(one: _Seen) -> str:
    if one.speedup is None or one.verdict is None:
        raise AssertionError(one)
    spread = one.speedup
    figures = f"{one.workload} {wording.ratio(spread.median)}× serial"
    figures += f", range {wording.span(spread.low, spread.high)}" if spread.has_range else ", one pass"
    figures += f", {_on_cores(one)}" if one.workload == COMPUTES else ""
    return f"{_WORKLOADS[one.workload]} {_DOES[one.verdict, spread.has_range]} ({figures})"


def _aside(one: _Seen) -> str:
    """Return what a reader of a computing workload's ratio must know besides."""
    if one.disturbed:
        return f"; other programs used the CPUs during {one.workload}, so nothing is concluded"
    if one.workload != COMPUTES or one.cores is None:
        return ""
    if one.cores.above(SEVERAL_CORES_ABOVE) is Verdict.YES and one.verdict is Verdict.NO:
        return "; it keeps several cores busy all the same"
    if one.contended and one.verdict is Verdict.YES:
        return "; the load generator competed for the CPUs, so the gain may be understated"
    return ""


def _from_cores(seen: list[_Seen]) -> str:
    """Return what can be said without a serial server beside it, or with a single client."""
    parts = [f"{one.workload} {_on_cores(one)}" for one in seen if one.cores]
    if not parts:
        return ""
    why = "one client cannot overlap with another" if max(one.clients for one in seen) == 1 else _missing(seen)
    sentence = f"with {_clients(seen)}, {', '.join(parts)}; {why}"
    computing = next((one for one in seen if one.workload == COMPUTES and one.clients > 1), None)
    if computing is None or computing.cores is None:
        return sentence
    verdict = computing.cores.above(SEVERAL_CORES_ABOVE)
    return sentence + {
        Verdict.YES: ", but several cores compute at once",
        Verdict.NO: ", but no more than one core computes",
    }.get(verdict, "")


def _missing(seen: list[_Seen]) -> str:
    if not any(one.speedup for one in seen):
        return f"{BASELINE} was not measured beside it, so no speed-up is told"
    return f"neither {wording.listed(_WORKLOADS, 'nor')} was measured, which tell waiting from computing"


def _on_cores(one: _Seen, before: str = "") -> str:
    return f"{before}{wording.ratio(one.cores.median)} effective cores" if one.cores else ""


def _clients(seen: list[_Seen]) -> str:
    counts = sorted({one.clients for one in seen})
    return f"{wording.listed(map(str, counts), 'or')} client{'s' if counts != [1] else ''}"


def _of_targets(run: Run, disturbed: set[Key]) -> Iterator[Finding]:
    for other, target in itertools.combinations(run.values("target"), 2):
        rows = [row for row in within(run, other, target, metrics=["throughput"]).rows if row.workload == COMPUTES]
        parts = []
        counts = set()
        for model in run.values("model"):
            mine = [row for row in rows if row.cell.split("/")[0] == model]
            if not mine:
                continue
            row = max(mine, key=lambda row: row.clients)
            counts.add(row.clients)
            both = {(model, COMPUTES, row.clients, name) for name in (target, other)}
            told = "disturbed" if both & disturbed else _ANSWERS[row.verdict]
            interval = wording.span(row.ratio.low, row.ratio.high) if row.ratio.has_interval else "one pass"
            parts.append(f"{model} {wording.ratio(row.ratio.ratio)}× ({interval}) {told}")
        if parts:
            clients = f"{wording.listed(map(str, sorted(counts)), 'or')} client{'s' if counts != {1} else ''}"
            yield Finding(f"{target} against {other}", f"{COMPUTES} with {clients}: {'; '.join(parts)}")


def _disturbed(run: Run) -> set[Key]:
    """Return the cells in half of whose windows, or more, other programs or the machine's host took CPU time."""
    windows = starts.by_cell(run)
    return {cell for cell, hit in starts.disturbed(run).items() if len(hit) >= len(windows[cell]) / 2}
