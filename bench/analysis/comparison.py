"""Comparison of two sides: for each cell and metric a ratio, its interval, and one of four verdicts.

Within a run the sides are two interpreters, measured side by side: ratios are paired. Between two runs nothing was
measured side by side: ratios are unpaired, and their intervals exclude changes of the whole machine between the runs.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bench.analysis import launches
from bench.analysis.disturbance import disturbed_visits
from bench.analysis.load import Run
from bench.analysis.metrics import METRICS, NONE
from bench.analysis.overall import overall
from bench.analysis.stats import CELL
from bench.analysis.verdict import Verdict, judge
from bench.schema.cell import Cell, Group
from bench.schema.plan import SAME_WITHIN
from bench.stats import ratios
from bench.stats.ratios import Ratio
from loadgen.errors import InvalidInput
from loadgen.nearest import did_you_mean

Side = tuple[Run, Cell]


PACKAGES: Final = "packages"


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of a comparison.

    Attributes:
        group: model, workload and clients.
        metric: a key of :data:`~bench.analysis.metrics.METRICS`.
        baseline: name of the interpreter; between runs, prefixed with the run's name.
        candidate: name of the other interpreter, likewise.
        ratio: candidate / baseline.
        confidence: confidence level of its interval.
        p: p-value of the hypothesis that there is no difference.
        p_adjusted: corrected for the cells of this metric and pair, see :func:`bench.stats.ratios.correct_in_groups`.
        verdict: faster means better for every metric: less, for a latency.
        minutes: further measuring time that would probably decide it; NaN if decided, or unknown.
        differs: fields in which the builds differ, and :data:`PACKAGES` if versions of a deployed server do.
        marked: share of both sides' windows disturbed by other programs or the machine's host.
        undisturbed: ratio without the rounds with a disturbed window; ``None`` if none is left, or unknown.
        paired: whether both sides were measured side by side.
    """

    group: Group
    metric: str
    baseline: str
    candidate: str
    ratio: Ratio
    confidence: float
    p: float
    p_adjusted: float = math.nan
    verdict: Verdict = Verdict.UNDECIDED
    minutes: float = math.nan
    differs: tuple[str, ...] = ()
    marked: float = 0.0
    undisturbed: float | None = None
    paired: bool = True

    @property
    def workload(self) -> str:
        return self.group.workload

    @property
    def clients(self) -> int:
        return self.group.clients

    def to_dict(self) -> dict[str, Any]:
        """Return the row for JSON; ``None`` where there is no interval."""
        fields = {"cell": self.group.name, "metric": self.metric}
        fields |= {"baseline": self.baseline, "candidate": self.candidate}
        figures = {
            "ratio": self.ratio.ratio,
            "low": self.ratio.low,
            "high": self.ratio.high,
            "p_adjusted": self.p_adjusted,
            "minutes_more": self.minutes,
        }
        return {
            **fields,
            **{name: None if math.isnan(figure) else figure for name, figure in figures.items()},
            "verdict": str(self.verdict),
            "confidence": self.confidence,
            "launches": self.ratio.launches,
            "paired": self.paired,
            "builds_differ_in": list(self.differs),
            "disturbed_share": self.marked,
            "ratio_undisturbed": self.undisturbed,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows of a comparison.

    Attributes:
        rows: metric by metric, in the plan's order of cells.
        same_within: ratios closer to 1 count as the same.
        left_out: what only one side has, each with the reason.
        machines: in what the machines of two runs differ; empty: in nothing that is known.
        means: by candidate and metric the mean over all cells, see :func:`~bench.analysis.overall.overall`.
    """

    rows: tuple[Compared, ...]
    same_within: float
    left_out: tuple[str, ...] = ()
    means: Mapping[tuple[str, str], Ratio] = field(default_factory=dict)
    machines: tuple[str, ...] = ()

    def slower_than(self, loss: float) -> list[Compared]:
        """Return the throughput rows with a significant loss of more than ``loss``, corrected for their number."""
        rows = [row for row in self.rows if row.metric == "throughput"]
        p_values = [row.ratio.p_of_at_least(1 - loss) for row in rows]
        adjusted = ratios.correct_in_groups(p_values, [row.candidate for row in rows])
        return [row for row, p in zip(rows, adjusted, strict=True) if p < (1 - row.confidence) / 2]


@functools.lru_cache(maxsize=8)
def compare_interpreters(
    run: Run,
    baseline: str = "",
    candidate: str = "",
    same_within: float | None = None,
    metrics: tuple[str, ...] = tuple(METRICS),
) -> Comparison:
    """Compare the interpreters of a run with its baseline.

    Args:
        run: run with the interpreters.
        baseline: name of the baseline; empty: the plan's.
        candidate: name of the candidate; empty: every other interpreter.
        same_within: ratios closer to 1 count as the same; ``None``: the plan's.
        metrics: keys of :data:`~bench.analysis.metrics.METRICS`.

    Raises:
        InvalidInput: the run has fewer than two interpreters, or lacks one of those named.
    """
    interpreters = run.values("interpreter")
    baseline = baseline or run.baseline
    others = [candidate] if candidate else [name for name in interpreters if name != baseline]
    for name in (baseline, *others):
        if name not in interpreters:
            meant = did_you_mean(name, interpreters)
            raise InvalidInput(f"{run.name} has no interpreter {name}{meant}: choose from {', '.join(interpreters)}")
    if not others:
        raise InvalidInput(f"{run.name} has only one interpreter, {baseline}: name another run to compare it with")
    zone = (run.plan.same_within if run.plan else SAME_WITHIN) if same_within is None else same_within
    rows = [row for metric in metrics for row in _judge(_side_by_side(run, metric, baseline, others), zone, run)]
    means = {(other, metric): overall(run, other, baseline, metric) for other in others for metric in metrics}
    shown = {key: mean for key, mean in means.items() if mean is not None}
    return Comparison(tuple(rows), zone, tuple(_one_sided(run, [baseline, *others])), shown)


def _side_by_side(run: Run, metric: str, baseline: str, others: Sequence[str]) -> Iterator[Compared]:
    """Yield the rows of a metric, without verdicts."""
    kind, confidence = METRICS[metric], launches.confidence(run)
    disturbed = disturbed_visits(run)
    requests = run.windows.groupby(CELL)["requests"].mean().to_dict()
    rounds = int(run.windows["round"].max()) + 1
    for group, other in itertools.product(launches.groups(run), others):
        sides = (Cell(*group, other), Cell(*group, baseline))
        above, below = (kind.figures(run, side, NONE) for side in sides)
        quantisation_error = kind.quantisation_error([requests.get(side, 0.0) for side in sides], rounds)
        ratio = ratios.paired_ratio(above, below, confidence, quantisation_error)
        if ratio is None:
            continue
        windows = [launches.windows_by_cell(run)[side] for side in sides]
        bad = [disturbed[side] for side in sides]
        above, below = (kind.figures(run, side, bad[0] | bad[1]) for side in sides)
        quiet = ratios.paired_ratio(above, below)
        yield Compared(
            group=group,
            metric=metric,
            baseline=baseline,
            candidate=other,
            ratio=ratio,
            confidence=confidence,
            p=ratio.p_value(),
            differs=_differ(run, Cell(*group, baseline), run, Cell(*group, other)),
            marked=sum(map(len, bad)) / sum(map(len, windows)),
            undisturbed=None if quiet is None else quiet.ratio,
        )


def _one_sided(run: Run, interpreters: Sequence[str]) -> Iterator[str]:
    """Yield the cells measured under one interpreter but not under another."""
    cells = set(run.cells)
    for cell in sorted(cells, key=lambda cell: tuple(map(str, cell))):
        for other in interpreters:
            if cell.interpreter in interpreters and Cell(*cell.group, other) not in cells:
                yield f"{cell.name}: not measured under {other}"


def compare_runs(one: Run, other: Run, same_within: float | None = None) -> Comparison:
    """Compare what two runs have in common: the first is the baseline, the second the candidate.

    Cells of the same model, workload, clients and interpreter are compared; if each run has only one interpreter, those
    two are compared.

    Raises:
        InvalidInput: they have nothing in common.
    """
    zone = SAME_WITHIN if same_within is None else same_within
    single = len(one.values("interpreter")) == len(other.values("interpreter")) == 1
    confidence = max(launches.confidence(one), launches.confidence(other))
    rows: list[Compared] = []
    common: set[Cell] = set()
    for metric in METRICS:
        found = []
        for cell in launches.windows_by_cell(one):
            match = Cell(*cell.group, other.values("interpreter")[0]) if single else cell
            row = _compare_unpaired(metric, (one, cell), (other, match), confidence)
            if row is not None:
                common |= {cell, match}
                found.append(row)
        rows += _judge(found, zone)
    if not rows:
        raise InvalidInput(f"{one.name} and {other.name} have no cell in common: compare runs of the same plan")
    left_out = [f"{cell.name}: only in {run.name}" for run in (one, other) for cell in run.cells if cell not in common]
    return Comparison(tuple(rows), zone, tuple(left_out), machines=other.machine_differences(one))


def _compare_unpaired(metric: str, below: Side, above: Side, confidence: float) -> Compared | None:
    """Return a row of two cells measured at different times, without a verdict."""
    kind, sides = METRICS[metric], (above, below)
    candidate, baseline = (launches.logs(kind.figures(run, cell, NONE)) for run, cell in sides)
    ratio = ratios.unpaired_ratio(candidate, baseline, confidence)
    if ratio is None:
        return None
    bad = [disturbed_visits(run)[cell] for run, cell in sides]
    candidate, baseline = (launches.logs(kind.figures(*side, hit)) for side, hit in zip(sides, bad, strict=True))
    undisturbed = ratios.unpaired_ratio(candidate, baseline)
    return Compared(
        group=below[1].group,
        metric=metric,
        baseline=f"{below[0].name}:{below[1].interpreter}",
        candidate=f"{above[0].name}:{above[1].interpreter}",
        ratio=ratio,
        confidence=confidence,
        p=ratio.p_value(),
        differs=_differ(*below, *above),
        marked=sum(map(len, bad)) / sum(len(launches.windows_by_cell(run)[cell]) for run, cell in sides),
        undisturbed=None if undisturbed is None else undisturbed.ratio,
        paired=False,
    )


def _judge(found: Iterable[Compared], same_within: float, run: Run | None = None) -> Iterator[Compared]:
    """Yield the rows of a metric with verdicts and, given a run to extend, the time that would decide them."""
    rows, visit_s = list(found), math.nan if run is None else launches.visit_s(run)
    adjusted = ratios.correct_in_groups([row.p for row in rows], [row.candidate for row in rows])
    for row, p in zip(rows, adjusted, strict=True):
        verdict = judge(row.ratio, p, row.confidence, same_within, more=METRICS[row.metric].more)
        minutes = _minutes(row.ratio, same_within, visit_s) if verdict is Verdict.UNDECIDED else math.nan
        yield replace(row, p_adjusted=p, verdict=verdict, minutes=minutes)


def _minutes(ratio: Ratio, same_within: float, visit_s: float) -> float:
    """Return the further minutes that would decide, if the ratio stays and its interval shrinks with sqrt(time)."""
    off = abs(math.log(ratio.ratio))
    enough = max(off, math.log1p(same_within) - off)
    if not ratio.has_interval or enough <= 0:
        return math.nan
    half = math.log(ratio.high / ratio.low) / 2
    return max(1.0, ratio.launches * ((half / enough) ** 2 - 1)) * visit_s / 60


def _differ(one: Run, cell: Cell, other: Run, against: Cell) -> tuple[str, ...]:
    build, other_build = one.meta.interpreters.get(cell.interpreter), other.meta.interpreters.get(against.interpreter)
    packages = one.packages(cell.model, cell.interpreter), other.packages(against.model, against.interpreter)
    built = build.differences(other_build) if build and other_build else ()
    return (*built, PACKAGES) if packages[0] != packages[1] and all(packages) else built
