"""What to be wary of: each code with its sentence, what to do about it, and where it struck."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bench.analysis import wording
from bench.analysis.life import LATENCY, UNEXPLAINED, WORTH_SAYING, life
from bench.analysis.load import Run
from bench.analysis.stats import CELL
from bench.schema.cell import Cell
from bench.schema.record import BUILT_ALIKE

WORST_SHOWN: Final = 3
LONGEST_TOLD: Final = 120  # of what differs between builds; all of it is in the page's table of interpreters

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caution:
    """A code, once, for the whole run.

    Attributes:
        code: as in the records, or one of the run's own.
        says: what was the matter, with the figures that were worst.
        remedy: what to do about it; empty where nothing is known.
        where: how many windows of how many, and the cells hit worst; empty if it concerns the run as a whole.
    """

    code: str
    says: str
    remedy: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.says}{f' ({self.where})' if self.where else ''}"


class Row(NamedTuple):
    """What a code of a record means.

    ``badness`` orders windows, worst last; ``figure`` writes what ``{}`` in ``says`` stands for, from the worst window.
    """

    says: str
    remedy: str
    badness: Callable[[Raw], float]
    figure: Callable[[Raw], str]


def _share(name: str) -> Callable[[Raw], str]:
    return lambda raw: f"{abs(float(raw[name])):.1%}"


def _kinds(raw: Raw) -> str:
    kinds: Counter[str] = Counter(raw["kinds"])
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


OF_WINDOWS: Final = {
    "errors": Row(
        "requests failed, at worst {} in a window; they are in neither throughput nor latency",
        "start the server by hand and look at what it says; fewer clients may do",
        lambda raw: sum(raw["kinds"].values()),
        _kinds,
    ),
    "handler_failed": Row(
        "your handler raised {}",
        "mend it, or ask it something else with --request; failed requests are in neither throughput nor latency",
        lambda raw: len(raw["reasons"]),
        lambda raw: ", ".join(f"{kind} ({reason})" for kind, reason in raw["reasons"].items()),
    ),
    "gil_returned": Row(
        "a free-threaded interpreter turned its GIL back on in the middle: {}",
        "do not read these windows as those of a build without a GIL",
        lambda raw: len(raw["reason"]),
        lambda raw: str(raw["reason"]),
    ),
    "not_connected": Row(
        "up to {} connections could not be established before the timing began",
        "look at the server's backlog; fewer clients may do",
        lambda raw: raw["missing"],
        lambda raw: str(raw["missing"]),
    ),
    "littles_law": Row(
        "clients and throughput × latency differ by up to {}: time was lost somewhere",
        "do not trust these latencies; measure again on a quiet machine, with longer windows",
        lambda raw: abs(raw["residual"]),
        _share("residual"),
    ),
    "generator_busy": Row(
        "the load generator was busy for up to {} of a window and may be what was measured",
        "read these rates as at least; give the server more to do for each request",
        lambda raw: raw["utilisation"],
        _share("utilisation"),
    ),
    "contended": Row(
        "up to {} of all CPUs were in use, so the generator competed with the server",
        "the real speed-up is probably larger than shown; measure on a machine with more CPUs",
        lambda raw: raw["busy_share"],
        _share("busy_share"),
    ),
    "generator_shares_cpus": Row(
        "the load generator ran on CPUs that a server of up to {} was pinned to: there are no others",
        "read throughput over cores as at least; pin servers to fewer CPUs than there are, or take a larger machine",
        lambda raw: raw["cpus"],
        lambda raw: str(raw["cpus"]),
    ),
    "steal": Row(
        "the machine's host took up to {} of the CPU time",
        "trust the paired ratios more than the rates; measure on a machine of your own",
        lambda raw: raw["share"],
        _share("share"),
    ),
    "clock": Row(
        "the CPUs' clock changed within a window, at worst {}",
        "fix the frequency (python -m bench doctor says how), and trust the paired ratios more than the rates",
        lambda raw: abs(float(raw["to_mhz"]) / float(raw["from_mhz"]) - 1),
        lambda raw: f"from {raw['from_mhz']:.0f} to {raw['to_mhz']:.0f} MHz",
    ),
    "throttled": Row(
        "cores were slowed for being too hot, up to {} times in a window",
        "let the machine cool, switch turbo off, and measure again",
        lambda raw: raw["times"],
        lambda raw: str(raw["times"]),
    ),
    "paging": Row(
        "the server read its memory back from disk, up to {} times a second",
        "end what fills the memory, or measure with fewer clients",
        lambda raw: raw["faults_per_s"],
        lambda raw: f"{raw['faults_per_s']:.0f}",
    ),
    "foreign_cpu": Row(
        "other programs used up to {} cores",
        "end them and measure again",
        lambda raw: raw["cores"],
        lambda raw: f"{raw['cores']:.2f}",
    ),
    "edges_late": Row(
        "the server's CPU clocks were read off the window's edges, by up to {} of the window",
        "CPU time and throughput are of different intervals: measure again on a quiet machine, with longer windows",
        lambda raw: raw["share"],
        _share("share"),
    ),
    "few_requests": Row(
        "as few as {} requests in a window: high percentiles say little",
        "measure with longer windows: a larger --budget, or fewer cells",
        lambda raw: -raw["requests"],
        lambda raw: str(raw["requests"]),
    ),
    "short_window": Row(
        "most of the clients' time was in requests that straddle the window's edges",
        "measure with longer windows: a larger --budget, or fewer cells",
        lambda raw: 0.0,  # noqa: ARG005
        lambda raw: "",  # noqa: ARG005
    ),
}


class OfRun(NamedTuple):
    """What a code of the run as a whole means: when it is said, and what to do about it."""

    when: str
    remedy: str


OF_RUN: Final = {
    "partial": OfRun(
        "the run was ended early, was killed, or is still going on",
        "passes that are missing make ranges narrower than they should be; measure again",
    ),
    "failed_cells": OfRun("windows could not be measured", "mend what the reason names and measure again"),
    "gaps": OfRun(
        "an interpreter cannot run a model",
        "compare such a model with others under the interpreters that have both",
    ),
    "one_pass": OfRun(
        "cells have one pass only: nothing tells how far another would have come out differently",
        "measure with --passes 3 or more",
    ),
    "different_builds": OfRun(
        f"the targets differ in how they were built ({', '.join(BUILT_ALIKE)})",
        "a difference between them is not one of versions; compare builds made the same way",
    ),
    "unexplained": OfRun(
        f"the parts of a request's life miss its mean latency by more than {WORTH_SAYING:.0%}",
        "below 0 it is counted twice, as threads wait for the GIL between two requests, too; above 0 no thread of "
        "the server shows it: read the large parts, not the small ones",
    ),
    "dropped_lines": OfRun("a record was cut short, as a crash leaves it", "nothing is wrong with the others"),
}

_FLAG: Final = {True: "with", False: "without", None: "unknown"}


def cautions(run: Run) -> list[Caution]:
    """Return what to be wary of: first what concerns the run as a whole, then its windows, most often met first."""
    return [*_of_run(run), *of_windows(run)]


def of_windows(run: Run) -> Iterator[Caution]:
    """Yield what the windows warn of, a caution for each code."""
    met: dict[str, list[tuple[str, Raw]]] = {}
    for _, row in run.windows[[*CELL, "warnings"]].iterrows():
        cell = Cell(*row[CELL]).name
        for raw in row["warnings"]:
            met.setdefault(str(raw.get("code", "unknown")), []).append((cell, raw))
    for code, hits in sorted(met.items(), key=lambda item: -len(item[1])):
        yield _aggregate(code, hits, len(run.windows))


def _aggregate(code: str, hits: list[tuple[str, Raw]], windows: int) -> Caution:
    try:
        row = OF_WINDOWS[code]
        hits = sorted(hits, key=lambda hit: -row.badness(hit[1]))
        says, remedy = row.says.format(row.figure(hits[0][1])), row.remedy
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        # Written by a newer version, or by another tool: what it says is shown as it is.
        says, remedy = json.dumps({k: v for k, v in hits[0][1].items() if k != "code"}, default=str), ""
    cells = list(dict.fromkeys(cell for cell, _ in hits))
    worst = ("worst " if len(cells) > WORST_SHOWN else "") + ", ".join(cells[:WORST_SHOWN])
    return Caution(code, says, remedy, f"{len(hits)} of {wording.plural(windows, 'window')}: {worst}")


def _of_run(run: Run) -> Iterator[Caution]:
    for check in (_partial, _failed_cells, _gaps, _one_pass, _different_builds, _unexplained, _dropped_lines):
        yield from check(run)


def _partial(run: Run) -> Iterator[Caution]:
    state = run.meta.get("state", "unknown")
    if state == "complete":
        return
    planned = {str(cell) for cell in run.section("plan").get("cells") or []}
    measured = {cell.name for cell in run.cells}
    missing = len(planned - measured)
    says = {"running": "the run is still going on, or was killed", "partial": "the run was ended early"}.get(
        str(state), f"the run's state is {state}"
    )
    if missing:
        says += f"; {missing} of {wording.plural(len(planned), 'planned cell')} were not measured"
    yield Caution("partial", says, OF_RUN["partial"].remedy)


def _failed_cells(run: Run) -> Iterator[Caution]:
    failures = [failure for failure in run.meta.get("failures") or [] if isinstance(failure, dict)]
    if failures:
        each = [
            f"{f.get('cell', 'unknown')}, pass {f.get('pass', '?')}: {f.get('reason', 'unknown')}" for f in failures
        ]
        more = f"; and {len(each) - WORST_SHOWN} more, in run.json" if len(each) > WORST_SHOWN else ""
        yield Caution(
            "failed_cells",
            f"{wording.plural(len(each), 'window')} could not be measured",
            OF_RUN["failed_cells"].remedy,
            "; ".join(each[:WORST_SHOWN]) + more,
        )


def _gaps(run: Run) -> Iterator[Caution]:
    gaps = [gap for gap in run.meta.get("gaps") or [] if isinstance(gap, dict)]
    if gaps:
        yield Caution(
            "gaps",
            "not every model runs under every interpreter",
            OF_RUN["gaps"].remedy,
            "; ".join(
                f"{gap.get('model', 'unknown')} under {gap.get('target', 'unknown')} {gap.get('reason', 'unknown')}"
                for gap in gaps
            ),
        )


def _one_pass(run: Run) -> Iterator[Caution]:
    passes = run.windows.groupby(CELL)["pass"].nunique()
    single = int((passes == 1).sum())
    if single:
        which = "every cell has" if single == len(passes) else f"{single} of {len(passes)} cells have"
        yield Caution(
            "one_pass",
            f"{which} one pass only: nothing tells how far another would have come out differently",
            OF_RUN["one_pass"].remedy,
        )


def _different_builds(run: Run) -> Iterator[Caution]:
    builds = run.section("targets")
    known = {name: builds[name] for name in run.values("target") if isinstance(builds.get(name), dict)}
    differing = []
    for field in BUILT_ALIKE:
        title = wording.BUILD.get(field, field)
        values = {name: build.get(field) for name, build in known.items()}
        if len(set(map(str, values.values()))) > 1:
            each = ", ".join(f"{name} {_flag(value)}" for name, value in values.items())
            differing.append(f"{title} ({each})" if len(each) <= LONGEST_TOLD else title)
    if differing:
        yield Caution(
            "different_builds",
            f"the targets were not built alike: {_listed(differing)}",
            OF_RUN["different_builds"].remedy,
        )


def _unexplained(run: Run) -> Iterator[Caution]:
    lives = life(run)
    shares = (lives[UNEXPLAINED] / lives[LATENCY]).dropna()
    far = shares[shares.abs() > WORTH_SAYING]
    if not far.empty:
        worst = far.reindex(far.abs().sort_values(ascending=False).index).head(WORST_SHOWN).reset_index(name="share")
        each = [f"{Cell(*row[CELL]).name} {row['share']:+.0%}" for _, row in worst.iterrows()]
        yield Caution(
            "unexplained",
            f"the parts of a request's life miss its latency by more than {WORTH_SAYING:.0%} in "
            f"{len(far)} of {wording.plural(len(lives), 'cell')}",
            OF_RUN["unexplained"].remedy,
            f"{'worst ' if len(far) > WORST_SHOWN else ''}{', '.join(each)}",
        )


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(parts)


def _flag(value: object) -> str:
    return _FLAG[value] if value is None or isinstance(value, bool) else str(value)


def _dropped_lines(run: Run) -> Iterator[Caution]:
    if run.dropped_lines:
        yield Caution(
            "dropped_lines",
            f"{wording.plural(run.dropped_lines, 'record')} was cut short and left out: the run ended while writing it",
            OF_RUN["dropped_lines"].remedy,
        )
