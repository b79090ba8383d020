"""Series of one figure of one cell, run after run.

A series has comparable figures only: same machine, same work per request, same requests per connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from bench.analysis import launches
from bench.analysis.load import Run
from bench.analysis.metrics import METRICS, NONE
from bench.schema.build import BUILT_ALIKE
from bench.schema.cell import Cell, Group
from bench.stats import ratios
from bench.stats.ratios import Ratio

THROUGHPUT: Final = "throughput"
RATIO: Final = "ratio"


class Conditions(NamedTuple):
    """Conditions that two runs must share for their figures to be in one series."""

    machine: str
    work: str
    requests_per_connection: str


Key = tuple[str, Group, str, str, Conditions]
"""Identity of a series: its fields except the points."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run's figure.

    Attributes:
        run: name of the run.
        at: its creation time.
        version: version of the interpreter.
        build: fields of the build that must agree for a difference to be due to versions.
        free: whether the interpreter ran without a GIL.
        value: the figure with its interval.
    """

    run: str
    at: datetime
    version: str
    build: dict[str, Any]
    free: bool
    value: Ratio


@dataclass(frozen=True, slots=True)
class Series:
    """One figure of one cell, from the oldest run to the newest.

    Attributes:
        figure: ``throughput``, in requests per second, or ``ratio``, to the baseline of the same run.
        group: model, workload and clients.
        interpreter: name of the interpreter.
        baseline: name of the baseline; empty for a throughput.
        conditions: conditions that all runs share.
        points: one per run.
    """

    figure: str
    group: Group
    interpreter: str
    baseline: str
    conditions: Conditions
    points: tuple[Point, ...]

    @property
    def cell(self) -> Cell:
        return Cell(*self.group, self.interpreter)

    @property
    def name(self) -> str:
        against = f" / {self.baseline}" if self.baseline else ""
        return f"{self.cell.name}{against}"


def series_of_runs(runs: Sequence[Run]) -> list[Series]:
    """Return all series of the given runs."""
    found: dict[Key, list[Point]] = {}
    for run in sorted(runs, key=creation_time):
        for key, value in _figures(run):
            found.setdefault(key, []).append(_point(run, key[2], value))
    return [Series(*key, tuple(points)) for key, points in found.items()]


def creation_time(run: Run) -> datetime:
    """Return the creation time of a run; a run without one sorts first."""
    try:
        return datetime.fromisoformat(run.meta.created)
    except ValueError:
        return datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _figures(run: Run) -> Iterator[tuple[Key, Ratio]]:
    baseline = run.baseline
    throughput = METRICS["throughput"].figures
    for cell in launches.windows_by_cell(run):
        group, interpreter = cell.group, cell.interpreter
        conditions = _conditions(run, cell.workload)
        figures = throughput(run, cell, NONE)
        value = ratios.ratio_of_logs(launches.logs(figures))
        if value is not None:
            yield (THROUGHPUT, group, interpreter, "", conditions), value
        if interpreter != baseline:
            ratio = ratios.paired_ratio(figures, throughput(run, Cell(*group, baseline), NONE))
            if ratio is not None:
                yield (RATIO, group, interpreter, baseline, conditions), ratio


def _conditions(run: Run, workload: str) -> Conditions:
    machine = run.meta.machine
    named = f"{machine.cpu_model}, {machine.usable_cpus:g} CPUs" if machine else "unknown machine"
    work = json.dumps(run.meta.work.get(workload.partition("+")[0]), sort_keys=True)
    return Conditions(named, work, str(run.plan.requests_per_connection) if run.plan else "unknown")


def _point(run: Run, interpreter: str, value: Ratio) -> Point:
    build = run.meta.interpreters.get(interpreter)
    return Point(
        run.name,
        creation_time(run),
        build.version if build else "unknown",
        {name: getattr(build, name) for name in BUILT_ALIKE} if build else {},
        run.is_free(interpreter),
        value,
    )
