"""Findings about each model and each pair of interpreters, one sentence each, from the numbers alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from bench.analysis.comparison import compare_interpreters
from bench.analysis.disturbance import disturbed_cells
from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES, SEVERAL_CORES_ABOVE, WAITS, Seen, find_overlaps
from bench.analysis.stats import BASELINE, Answer, pass_spreads, pick
from bench.analysis.verdict import Verdict
from bench.narrative import wording
from bench.narrative.interference import describe_interference
from bench.schema.cell import Cell

_DOES: Final = {
    (Answer.YES, True): "overlaps",
    (Answer.YES, False): "seems to overlap",
    (Answer.NO, True): "does not overlap",
    (Answer.NO, False): "does not seem to overlap",
    (Answer.UNCLEAR, True): "may or may not overlap",
    (Answer.UNCLEAR, False): "may or may not overlap",
}
_WORKLOADS: Final = {WAITS: "waiting", COMPUTES: "computing"}
_CONCLUSIONS: Final = {
    (Answer.YES, Answer.YES): "concurrency and parallelism",
    (Answer.YES, Answer.NO): "concurrency without parallelism",
    (Answer.NO, Answer.YES): "parallelism without concurrency",
    (Answer.NO, Answer.NO): "neither concurrency nor parallelism",
}
_ANSWERS: Final = {
    Verdict.FASTER: "faster",
    Verdict.SLOWER: "slower",
    Verdict.SAME: "the same",
    Verdict.UNDECIDED: "not enough data",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence.

    Attributes:
        subject: its subject, such as ``threaded on 3.13``.
        says: the rest of the sentence.
    """

    subject: str
    says: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.says}"


def collect_findings(run: Run) -> list[Finding]:
    """Return the findings: models in the plan's order for each interpreter, then pairs of interpreters."""
    found = [
        Finding(f"{model} on {interpreter}", says)
        for (model, interpreter), of in find_overlaps(run).items()
        if (says := _model_findings(run, (model, interpreter), of))
    ]
    return [*found, *(Finding(*one) for one in describe_interference(run)), *_interpreter_findings(run)]


def _model_findings(run: Run, subject: tuple[str, str], of: list[Seen]) -> str:
    model, interpreter = subject
    if model == BASELINE:
        here = run.windows[(run.windows["model"] == model) & (run.windows["interpreter"] == interpreter)]
        return _baseline_finding(here, of, interpreter)
    return _judgement(of) or _cores_judgement(of)


def _baseline_finding(here: pd.DataFrame, overlaps: list[Seen], interpreter: str) -> str:
    rates = pass_spreads(here, "throughput_rps")
    parts = []
    for one in overlaps:
        rate = pick(rates, (BASELINE, one.workload, one.clients, interpreter))
        if rate:
            parts.append(f"{one.workload} {wording.rate(rate.middle)} req/s{_cores_phrase(one, ' on ')}")
    return f"the baseline; with {_clients(overlaps)}, {', '.join(parts)}" if parts else ""


def _judgement(overlaps: list[Seen]) -> str:
    shown = [one for one in overlaps if one.workload in _WORKLOADS and one.verdict]
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
    figures = f"{one.workload} {wording.ratio(spread.middle)}× serial"
    figures += f", 95% interval {wording.span(spread.low, spread.high)}" if spread.has_range else ", one pass"
    figures += f", {_cores_phrase(one)}" if one.workload == COMPUTES else ""
    return f"{_WORKLOADS[one.workload]} {_DOES[one.verdict, spread.has_range]} ({figures})"


def _aside(one: Seen) -> str:
    """Return the qualification of a computing workload's ratio; empty if there is none."""
    if one.disturbed:
        return f"; something else took CPU time during {one.workload}, so nothing is concluded"
    if one.one_cpu:
        return f"; the server had {wording.plural(one.cpus or 0, 'CPU')}, on which no computing can overlap"
    if one.workload != COMPUTES or one.cores is None:
        return ""
    if one.cores.above(SEVERAL_CORES_ABOVE) is Answer.YES and one.verdict is Answer.NO:
        return "; it keeps several cores busy nevertheless"
    if one.contended and one.verdict is Answer.YES:
        return "; the load generator competed for the CPUs, so the gain may be understated"
    return ""


def _cores_judgement(overlaps: list[Seen]) -> str:
    """Return the finding without a serial server to compare with, or with a single client."""
    parts = [f"{one.workload} {_cores_phrase(one)}" for one in overlaps if one.cores]
    if not parts:
        return ""
    why = (
        "a single client cannot overlap with another"
        if max(one.clients for one in overlaps) == 1
        else _missing(overlaps)
    )
    sentence = f"with {_clients(overlaps)}, {', '.join(parts)}; {why}"
    computing = next((one for one in overlaps if one.workload == COMPUTES and one.clients > 1), None)
    if computing is None or computing.cores is None:
        return sentence
    verdict = computing.cores.above(SEVERAL_CORES_ABOVE)
    return sentence + {
        Answer.YES: ", but several cores compute at once",
        Answer.NO: ", but no more than one core computes",
    }.get(verdict, "")


def _missing(overlaps: list[Seen]) -> str:
    if not any(one.speedup for one in overlaps):
        return f"{BASELINE} was not measured with it, so the speed-up is unknown"
    return f"neither {wording.join_words(_WORKLOADS, 'nor')} was measured, which distinguish waiting from computing"


def _cores_phrase(one: Seen, before: str = "") -> str:
    return f"{before}{wording.ratio(one.cores.middle)} effective cores" if one.cores else ""


def _clients(overlaps: list[Seen]) -> str:
    counts = sorted({one.clients for one in overlaps})
    return f"{wording.join_words(map(str, counts), 'or')} client{'s' if counts != [1] else ''}"


def _interpreter_findings(run: Run) -> Iterator[Finding]:
    disturbed = disturbed_cells(run)
    for other, interpreter in itertools.combinations(run.values("interpreter"), 2):
        compared = (
            compare_interpreters(run)
            if other == run.baseline
            else compare_interpreters(run, other, interpreter, metrics=("throughput",))
        )
        wanted = (COMPUTES, "throughput", interpreter)
        rows = [row for row in compared.rows if (row.workload, row.metric, row.candidate) == wanted]
        parts = []
        counts = set()
        for model in run.values("model"):
            mine = [row for row in rows if row.group.model == model]
            if not mine:
                continue
            row = max(mine, key=lambda row: row.clients)
            counts.add(row.clients)
            both = {Cell(*row.group, name) for name in (interpreter, other)}
            shown = "disturbed" if both & disturbed else _ANSWERS[row.verdict]
            interval = wording.span(row.ratio.low, row.ratio.high) if row.ratio.has_interval else "one pass"
            parts.append(f"{model} {wording.ratio(row.ratio.ratio)}× ({interval}), {shown}")
        if parts:
            clients = f"{wording.join_words(map(str, sorted(counts)), 'or')} client{'s' if counts != {1} else ''}"
            yield Finding(f"{interpreter} compared with {other}", f"{COMPUTES} with {clients}: {'; '.join(parts)}")
