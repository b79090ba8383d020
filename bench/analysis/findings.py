"""What was seen of each model and of each pair of targets, a sentence each, from the numbers alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from bench.analysis import comparison, wording
from bench.analysis.company import sentences
from bench.analysis.comparison import compare_interpreters
from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES, SEVERAL_CORES_ABOVE, WAITS, Key, Seen, disturbed, find_overlaps
from bench.analysis.stats import BASELINE, Verdict, over_passes, pick

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
    comparison.Verdict.UNDECIDED: "not enough data to tell",
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


def findings(run: Run) -> list[Finding]:
    """Return the sentences: models in the plan's order, target by target, then targets against each other."""
    found = [
        Finding(f"{model} on {target}", says)
        for (model, target), of in find_overlaps(run).items()
        if (says := _of_model(run, (model, target), of))
    ]
    return [*found, *(Finding(*one) for one in sentences(run)), *_of_targets(run, disturbed(run))]


def _of_model(run: Run, subject: tuple[str, str], of: list[Seen]) -> str:
    model, target = subject
    if model == BASELINE:
        here = run.windows[(run.windows["model"] == model) & (run.windows["target"] == target)]
        return _as_baseline(here, of, target)
    return _judged(of) or _from_cores(of)


def _as_baseline(here: pd.DataFrame, find_overlaps: list[Seen], target: str) -> str:
    rates = over_passes(here, "throughput_rps")
    parts = []
    for one in find_overlaps:
        rate = pick(rates, (BASELINE, one.workload, one.clients, target))
        if rate:
            parts.append(f"{one.workload} {wording.rate(rate.median)} req/s{_on_cores(one, ' on ')}")
    return f"the baseline; with {_clients(find_overlaps)}, {', '.join(parts)}" if parts else ""


def _judged(find_overlaps: list[Seen]) -> str:
    shown = [one for one in find_overlaps if one.workload in _WORKLOADS and one.verdict]
    if not shown:
        return ""
    shown.sort(key=lambda one: list(_WORKLOADS).index(one.workload))
    verdicts = [one.verdict for one in shown]
    opposed = len(shown) == 2 and verdicts[0] is not verdicts[1]
    sentence = f"with {_clients(shown)}, " + (" but " if opposed else " and ").join(map(_overlap, shown))
    conclusion = _CONCLUSIONS.get(tuple(verdicts)) if len(shown) == 2 else None  # type: ignore[arg-type]
    sentence += f": {conclusion}" if conclusion else ""
    return sentence + "".join(map(_aside, shown))


def _overlap(one: Seen) -> str:
    if one.speedup is None or one.verdict is None:
        raise AssertionError(one)
    spread = one.speedup
    figures = f"{one.workload} {wording.ratio(spread.median)}× serial"
    figures += f", range {wording.span(spread.low, spread.high)}" if spread.has_range else ", one pass"
    figures += f", {_on_cores(one)}" if one.workload == COMPUTES else ""
    return f"{_WORKLOADS[one.workload]} {_DOES[one.verdict, spread.has_range]} ({figures})"


def _aside(one: Seen) -> str:
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


def _from_cores(find_overlaps: list[Seen]) -> str:
    """Return the findings without a serial server to compare with, or with a single client."""
    parts = [f"{one.workload} {_on_cores(one)}" for one in find_overlaps if one.cores]
    if not parts:
        return ""
    why = (
        "one client cannot overlap with another"
        if max(one.clients for one in find_overlaps) == 1
        else _missing(find_overlaps)
    )
    sentence = f"with {_clients(find_overlaps)}, {', '.join(parts)}; {why}"
    computing = next((one for one in find_overlaps if one.workload == COMPUTES and one.clients > 1), None)
    if computing is None or computing.cores is None:
        return sentence
    verdict = computing.cores.above(SEVERAL_CORES_ABOVE)
    return sentence + {
        Verdict.YES: ", but several cores compute at once",
        Verdict.NO: ", but no more than one core computes",
    }.get(verdict, "")


def _missing(find_overlaps: list[Seen]) -> str:
    if not any(one.speedup for one in find_overlaps):
        return f"{BASELINE} was not measured with it, so no speed-up is known"
    return f"neither {wording.join_words(_WORKLOADS, 'nor')} was measured, which tell waiting from computing"


def _on_cores(one: Seen, before: str = "") -> str:
    return f"{before}{wording.ratio(one.cores.median)} effective cores" if one.cores else ""


def _clients(find_overlaps: list[Seen]) -> str:
    counts = sorted({one.clients for one in find_overlaps})
    return f"{wording.join_words(map(str, counts), 'or')} client{'s' if counts != [1] else ''}"


def _of_targets(run: Run, spoilt: set[Key]) -> Iterator[Finding]:
    for other, target in itertools.combinations(run.values("target"), 2):
        rows = [
            row
            for row in compare_interpreters(run, other, target, metrics=["throughput"]).rows
            if row.workload == COMPUTES
        ]
        parts = []
        counts = set()
        for model in run.values("model"):
            mine = [row for row in rows if row.group.model == model]
            if not mine:
                continue
            row = max(mine, key=lambda row: row.clients)
            counts.add(row.clients)
            both = {(model, COMPUTES, row.clients, name) for name in (target, other)}
            shown = "disturbed" if both & spoilt else _ANSWERS[row.verdict]
            interval = wording.span(row.ratio.low, row.ratio.high) if row.ratio.has_interval else "one pass"
            parts.append(f"{model} {wording.ratio(row.ratio.ratio)}× ({interval}) {shown}")
        if parts:
            clients = f"{wording.join_words(map(str, sorted(counts)), 'or')} client{'s' if counts != {1} else ''}"
            yield Finding(f"{target} against {other}", f"{COMPUTES} with {clients}: {'; '.join(parts)}")
