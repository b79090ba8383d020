"""Warnings of a run: each code with its sentence, its remedy, and the cells that it concerns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bench.analysis.life import LATENCY_S, UNEXPLAINED, life
from bench.analysis.load import Run
from bench.analysis.stats import CELL
from bench.narrative import wording
from bench.schema.build import BUILT_ALIKE
from bench.schema.cell import Cell
from bench.schema.run_meta import State
from bench.schema.warning_codes import RUN_WARNINGS, UNEXPLAINED_ABOVE, UNSTEADY_ABOVE, WINDOW_WARNINGS, Raw
from loadgen.validation.warning_codes import FEW_REQUESTS

WORST_SHOWN: Final = 3
COMPUTING_CORES: Final = 0.5
LONGEST_TOLD: Final = 120  # characters of a difference between builds; the page's table of builds has all of it


@dataclass(frozen=True, slots=True)
class WarningSummary:
    """A warning code, summarised for the whole run.

    Attributes:
        code: code from the records, or one for the whole run.
        says: what is wrong, with the worst figures.
        remedy: what to do about it; empty if unknown.
        where: number of windows affected, of all, and the worst cells; empty if it concerns the run as a whole.
    """

    code: str
    says: str
    remedy: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.says}{f' ({self.where})' if self.where else ''}"


_INCOMPLETE: Final = {
    State.RUNNING: "the run is still in progress, or was killed",
    State.PARTIAL: "the run ended early",
}
_FLAG: Final = {True: "with", False: "without", None: "unknown"}


def collect_warnings(run: Run) -> list[WarningSummary]:
    """Return the warnings: first those of the run as a whole, then those of its windows, the most frequent first."""
    return [*_run_level_warnings(run), *collect_window_warnings(run)]


def collect_window_warnings(run: Run) -> Iterator[WarningSummary]:
    """Yield the warnings of the windows, one for each code."""
    met: dict[str, list[tuple[str, Raw]]] = {}
    for _, row in run.windows[[*CELL, "warnings"]].iterrows():
        cell = Cell(*row[CELL]).name
        for raw in row["warnings"]:
            met.setdefault(str(raw.get("code", "unknown")), []).append((cell, raw))
    for code, hits in sorted(met.items(), key=lambda item: -len(item[1])):
        yield _aggregate(code, hits, len(run.windows))


def _aggregate(code: str, hits: list[tuple[str, Raw]], windows: int) -> WarningSummary:
    try:
        row = WINDOW_WARNINGS[code]
        hits = sorted(hits, key=lambda hit: -row.badness(hit[1]))
        says, remedy = row.wording.format(row.figure(hits[0][1])), row.remedy
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        # Written by a newer version, or by another tool: its content is shown unchanged.
        says, remedy = json.dumps({k: v for k, v in hits[0][1].items() if k != "code"}, default=str), ""
    cells = list(dict.fromkeys(cell for cell, _ in hits))
    worst = ("worst " if len(cells) > WORST_SHOWN else "") + ", ".join(cells[:WORST_SHOWN])
    return WarningSummary(code, says, remedy, f"{len(hits)} of {wording.plural(windows, 'window')}: {worst}")


def _run_level_warnings(run: Run) -> Iterator[WarningSummary]:
    for check in (
        _check_partial,
        _check_failed_cells,
        _check_gaps,
        _check_one_pass,
        _check_unsteady,
        _check_builds,
        _check_servers,
        _check_unexplained,
        _check_dropped_lines,
    ):
        yield from check(run)


def _check_partial(run: Run) -> Iterator[WarningSummary]:
    if run.meta.state not in _INCOMPLETE:
        return
    planned = set(run.plan.cells if run.plan else ())
    missing = len(planned - set(run.cells))
    says = _INCOMPLETE[run.meta.state]
    if missing:
        says += f"; {missing} of {wording.plural(len(planned), 'planned cell')} were not measured"
    yield WarningSummary("partial", says, RUN_WARNINGS["partial"].remedy)


def _check_failed_cells(run: Run) -> Iterator[WarningSummary]:
    each = [f"{one.cell}, pass {one.pass_ + 1}: {one.reason}" for one in run.meta.failures]
    if each:
        more = f"; and {len(each) - WORST_SHOWN} more, in run.json" if len(each) > WORST_SHOWN else ""
        yield WarningSummary(
            "failed_cells",
            f"{wording.plural(len(each), 'window')} could not be measured",
            RUN_WARNINGS["failed_cells"].remedy,
            "; ".join(each[:WORST_SHOWN]) + more,
        )


def _check_gaps(run: Run) -> Iterator[WarningSummary]:
    if run.meta.gaps:
        yield WarningSummary(
            "gaps",
            "not every model runs under every interpreter",
            RUN_WARNINGS["gaps"].remedy,
            "; ".join(map(str, run.meta.gaps)),
        )


def _check_one_pass(run: Run) -> Iterator[WarningSummary]:
    passes = run.windows.groupby(CELL)["pass"].nunique()
    single = int((passes == 1).sum())
    if single:
        which = "every cell has" if single == len(passes) else f"{single} of {len(passes)} cells have"
        yield WarningSummary(
            "one_pass",
            f"{which} only one pass, so the variation between passes is unknown",
            RUN_WARNINGS["one_pass"].remedy,
        )


def _check_unsteady(run: Run) -> Iterator[WarningSummary]:
    """Compare each computing cell with itself: its CPU time per request depends on the speed of the CPUs alone."""
    computing = run.windows[
        (run.windows["effective_cores"] >= COMPUTING_CORES) & (run.windows["requests"] >= FEW_REQUESTS)
    ]
    costs = computing.groupby(CELL)["cpu_s_per_request"].agg(["min", "max", "count"])
    costs = costs[(costs["count"] > 1) & (costs["min"] > 0)]
    spread = float((costs["max"] / costs["min"]).median()) if len(costs) else 1.0
    if spread > UNSTEADY_ABOVE:
        yield WarningSummary(
            "unsteady",
            f"the CPUs' speed moved: one cell's CPU time per request differs by a factor of {spread:.2f} between "
            f"passes (median of {wording.plural(len(costs), 'cell')})",
            RUN_WARNINGS["unsteady"].remedy,
        )


def _check_builds(run: Run) -> Iterator[WarningSummary]:
    builds = run.meta.interpreters
    known = {name: builds[name] for name in run.values("interpreter") if name in builds}
    differing = []
    for field in BUILT_ALIKE:
        title = wording.BUILD.get(field, field)
        values = {name: getattr(build, field) for name, build in known.items()}
        if len(set(map(str, values.values()))) > 1:
            alike: dict[str, list[str]] = {}
            for name, value in values.items():
                alike.setdefault(_flag(value), []).append(name)
            each = ", ".join(f"{' and '.join(names)} {flag}" for flag, names in alike.items())
            differing.append(f"{title} ({each})" if len(each) <= LONGEST_TOLD else title)
    if differing:
        yield WarningSummary(
            "different_builds",
            f"the interpreters were built differently: {_enumerate(differing)}",
            RUN_WARNINGS["different_builds"].remedy,
        )


def _check_servers(run: Run) -> Iterator[WarningSummary]:
    differing = []
    for model in run.values("model"):
        found = {name: run.packages(model, name) for name in run.values("interpreter")}
        known = {name: packages for name, packages in found.items() if packages}
        for package in sorted({package for packages in known.values() for package in packages}):
            versions = {name: packages.get(package, "none") for name, packages in known.items()}
            if len(set(versions.values())) > 1:
                each = ", ".join(f"{version} under {name}" for name, version in versions.items())
                differing.append(f"{model} with {package} {each}")
    if differing:
        yield WarningSummary(
            "different_servers",
            f"versions differ: {_enumerate(differing)}",
            RUN_WARNINGS["different_servers"].remedy,
        )


def _check_unexplained(run: Run) -> Iterator[WarningSummary]:
    lives = life(run)
    shares = (lives[UNEXPLAINED] / lives[LATENCY_S]).dropna()
    far = shares[shares.abs() > UNEXPLAINED_ABOVE]
    if not far.empty:
        worst = far.reindex(far.abs().sort_values(ascending=False).index).head(WORST_SHOWN).reset_index(name="share")
        each = [f"{Cell(*row[CELL]).name} {row['share']:+.0%}" for _, row in worst.iterrows()]
        yield WarningSummary(
            "unexplained",
            f"the parts of a request's life differ from its latency by more than {UNEXPLAINED_ABOVE:.0%} in "
            f"{len(far)} of {wording.plural(len(lives), 'cell')}",
            RUN_WARNINGS["unexplained"].remedy,
            f"{'worst ' if len(far) > WORST_SHOWN else ''}{', '.join(each)}",
        )


def _enumerate(parts: Iterable[str]) -> str:
    return "; ".join(parts)


def _flag(value: object) -> str:
    return _FLAG[value] if value is None or isinstance(value, bool) else str(value)


def _check_dropped_lines(run: Run) -> Iterator[WarningSummary]:
    if run.dropped_lines:
        yield WarningSummary(
            "dropped_lines",
            f"{wording.plural(run.dropped_lines, 'record')} was cut short and left out: the run ended while writing it",
            RUN_WARNINGS["dropped_lines"].remedy,
        )
