"""What is typed behind ``nox -s bench --``: one row an option, and what the words become."""

from __future__ import annotations

import argparse
import contextlib
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bench.errors import GilbenchError
from bench.plan import Cell
from bench.resume import Interrupted, interrupted
from bench.server import ROOT
from bench.targets import AUTO, Target, discover, require_same_build, resolve
from loadgen.load import MAX_CONNECTIONS
from loadgen.options import duration_s, requests_a_connection
from servers.models import MODELS
from servers.workloads import WORKLOADS

ALL = "all"
OBJECTIVES = ("throughput", "cpu", "memory")
MAX_PASSES = 1000
PASSES = 3
ROUNDS = 4  # with windows of 100 ms; docs/method.md has the measurement
WINDOW_S = 0.1
SHORTEST_S, LONGEST_S = 0.02, 600.0

Value = TypeVar("Value")


class Option(NamedTuple):
    """A row of the table: what ``--help`` shows, and what holds when nothing is typed."""

    default: str | None
    metavar: str  # empty: it takes no value
    help: str


OPTIONS = {
    "pythons": Option(AUTO, "LIST", "interpreters, as 3.13,3.13t,/path/to/python, or auto (default: auto)"),
    "servers": Option(
        "serial,threaded,asyncio,multiprocess", "LIST", f"concurrency models, or all: {', '.join(MODELS)}"
    ),
    "workloads": Option(
        "echo,io,cpu",
        "LIST",
        f"what a request costs, or all: {', '.join(WORKLOADS)}; or your own: module:function, file.py:function",
    ),
    "request": Option("hello", "TEXT", "what handlers of your own are asked (default: hello)"),
    "objective": Option(
        "throughput", "WHAT", "what the recommendation is for: throughput, p99<TIME, cpu, memory (default: throughput)"
    ),
    "clients": Option("1,4,8", "LIST", "clients at the same time (default: 1,4,8)"),
    "conversation": Option("10", "R|keepalive", "requests before a client connects anew (default: 10)"),
    "passes": Option(None, "N", f"visits to every cell, servers started afresh each time (default: {PASSES})"),
    "rounds": Option(
        None, "N", f"windows of each start, alternating between interpreters (default: 1; with --precision {ROUNDS})"
    ),
    "window": Option(
        None, "TIME", f"length of a window (default: as the budget allows; with --precision {WINDOW_S * 1e3:g}ms)"
    ),
    "precision": Option(
        None, "SHARE", "as 2%%: instead of so many passes, until every ratio to the baseline is known so precisely"
    ),
    "same-within": Option("1%", "SHARE", "ratios closer to 1 than this count as the same (default: 1%%)"),
    "baseline": Option(None, "NAME", "the interpreter that the others are compared with (default: the first)"),
    "fixed-layout": Option(None, "", "run the servers without address randomisation (see docs/method.md)"),
    "require-same-build": Option(None, "", "refuse interpreters that were built differently"),
    "budget": Option("3m", "TIME", "time for measuring and drawing, as 90s or 10m (default: 3m)"),
    "results": Option(str(ROOT / "results"), "FOLDER", "where the results go (default: results)"),
    "name": Option("bench", "NAME", "ends the name of the run's folder (default: bench)"),
    "resume": Option(None, "FOLDER", "go on with a run that was interrupted; its plan holds, other options do not"),
    "seed": Option(None, "N", "of the random order, to repeat one (default: drawn)"),
}


ALIASES = {"workloads": ("--workloads", "--workload")}
"""Options that go by more than their own name."""


class Gap(NamedTuple):
    """A model that an interpreter cannot run, and why."""

    model: str
    target: str
    reason: str

    def __str__(self) -> str:
        return f"{self.model} under {self.target} {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for.

    Attributes:
        targets: the interpreters, by name.
        models: keys of :data:`servers.models.MODELS`.
        workloads: keys of :data:`servers.workloads.WORKLOADS`, or of ``handlers``.
        handlers: the user's own, as the server is told of them, by the name of the function.
        request: what those are asked.
        objective: what the recommendation is for.
        clients: numbers of clients.
        conversation: requests per connection; ``None``: keepalive.
        passes: visits to every cell.
        rounds: windows of each start.
        window_s: length of a window; ``None``: as the budget allows.
        precision: to which the ratios are to be known; ``None``: so many passes.
        same_within: ratios that differ from 1 by less count as the same.
        baseline: name of the target that others are compared with.
        fixed_layout: no address randomisation for the servers.
        budget_s: time for measuring and drawing.
        results: folder below which the run's folder is made.
        name: ends that folder's name.
        seed: of the random order.
        resumed: the run that is gone on with.
    """

    targets: dict[str, Target]
    models: list[str]
    workloads: list[str]
    handlers: dict[str, str]
    request: str
    objective: str
    clients: list[int]
    conversation: int | None
    passes: int
    rounds: int
    window_s: float | None
    precision: float | None
    same_within: float
    baseline: str
    fixed_layout: bool
    budget_s: float
    results: Path
    name: str
    seed: int
    resumed: Interrupted | None = None

    @property
    def gaps(self) -> list[Gap]:
        """Return what was asked for and cannot be had."""
        return [
            Gap(model, target.name, "needs CPython {}.{}".format(*MODELS[model].since))
            for model in self.models
            for target in self.targets.values()
            if target.release < MODELS[model].since
        ]

    @property
    def cells(self) -> list[Cell]:
        """Return every combination that can be had: what can be selected from."""
        gaps = {(gap.model, gap.target) for gap in self.gaps}
        return [
            Cell(model, workload, clients, target)
            for workload in self.workloads
            for model in self.models
            for clients in self.clients
            for target in self.targets
            if (model, target) not in gaps
            and (self.resumed is None or Cell(model, workload, clients, target).name in self.resumed.cells)
        ]


def read(typed: Mapping[str, Any]) -> Wanted:
    """Make sense of what was typed for each of :data:`OPTIONS`, and find the interpreters.

    Raises:
        GilbenchError: something in it makes no sense; the message names the option and says what would.
    """
    resumed = None if typed["resume"] is None else interrupted(Path(typed["resume"]))
    if resumed is not None:
        typed = {**typed, **resumed.typed()}
    models = _some_of("servers", typed, MODELS)
    handlers: dict[str, str] = {}
    workloads = _some_of("workloads", typed, WORKLOADS, _workload(handlers))
    request = _read("request", typed["request"], _line)
    objective = _read("objective", typed["objective"], _objective)
    clients = _each("clients", typed, _count(MAX_CONNECTIONS))
    conversation = _read("conversation", typed["conversation"], requests_a_connection)
    precision = None if typed["precision"] is None else _read("precision", typed["precision"], _share)
    if precision is not None and typed["passes"] is not None:
        raise GilbenchError("--precision measures as many passes as it takes: leave --passes out, or --precision")
    passes = _read("passes", typed["passes"] or str(PASSES), _count(MAX_PASSES))
    rounds = _read("rounds", typed["rounds"] or str(1 if precision is None else ROUNDS), _count(MAX_PASSES))
    window_s = None if precision is None else WINDOW_S
    if typed["window"] is not None:
        window_s = _read("window", typed["window"], _window)
    same_within = _read("same-within", typed["same-within"], _share)
    budget_s = _read("budget", typed["budget"], duration_s)
    name = _read("name", typed["name"], _name)
    seed = secrets.randbits(32) if typed["seed"] is None else _read("seed", typed["seed"], _count(2**63, least=0))
    targets = _targets(typed, resumed)
    if precision is not None and len(targets) < 2:
        raise GilbenchError("--precision is of the ratio of two interpreters: name two with --pythons 3.13,3.13t")
    if typed["fixed-layout"] and shutil.which("setarch") is None:
        raise GilbenchError("--fixed-layout needs setarch: install util-linux, or leave it out")
    wanted = Wanted(
        targets=targets,
        models=models,
        workloads=workloads,
        handlers=handlers,
        request=request,
        objective=objective,
        clients=clients,
        conversation=conversation,
        passes=passes,
        rounds=rounds,
        window_s=window_s,
        precision=precision,
        same_within=same_within,
        baseline=typed["baseline"] or next(iter(targets)),
        fixed_layout=bool(typed["fixed-layout"]),
        budget_s=budget_s,
        results=Path(typed["results"]),
        name=name,
        seed=seed,
        resumed=resumed,
    )
    if not wanted.cells:
        raise GilbenchError(f"--servers: {'; '.join(map(str, wanted.gaps))}: name others, or other --pythons")
    return wanted


def _targets(typed: Mapping[str, Any], resumed: Interrupted | None) -> dict[str, Target]:
    targets = {target.name: target for target in resolve(typed["pythons"], discover())}
    if typed["baseline"] and typed["baseline"] not in targets:
        raise GilbenchError(f"--baseline {typed['baseline']} is not measured: choose from {', '.join(targets)}")
    if typed["require-same-build"]:
        require_same_build(targets.values())
    for name, build in resumed.meta["targets"].items() if resumed else ():
        if targets[name].build != build:
            raise GilbenchError(f"--resume: {name} has been built anew since: start the run again")
    return targets


def _read(option: str, text: str, reader: Callable[[str], Value]) -> Value:
    try:
        return reader(text.strip())
    except argparse.ArgumentTypeError as problem:
        raise GilbenchError(f"--{option}: {problem}") from None


def _each(option: str, typed: Mapping[str, Any], reader: Callable[[str], Value]) -> list[Value]:
    """Read a comma-separated list; what stands in it twice counts once."""
    parts = [part for part in typed[option].split(",") if part.strip()]
    if not parts:
        raise GilbenchError(f"--{option} names nothing: write for example --{option} {OPTIONS[option].default}")
    return list(dict.fromkeys(_read(option, part, reader) for part in parts))


def _some_of(
    option: str, typed: Mapping[str, Any], table: Mapping[str, object], reader: Callable[[str], str] | None = None
) -> list[str]:
    return list(table) if typed[option].strip() == ALL else _each(option, typed, reader or _one_of(table))


def _workload(handlers: dict[str, str]) -> Callable[[str], str]:
    """Return a reader of workloads that notes down the handlers of the user's own."""

    def read_one(text: str) -> str:
        place, colon, function = text.rpartition(":")
        if not colon:
            return _one_of(WORKLOADS)(text)
        name = function.removesuffix("()").rpartition(".")[2]
        if not name.isidentifier():
            raise argparse.ArgumentTypeError(f"{text!r} names no function: write module:function or path.py:function")
        if place.endswith(".py"):
            path = Path(place).expanduser().resolve()
            if not path.is_file():
                raise argparse.ArgumentTypeError(f"there is no file {path}")
            place = str(path)
        whole = f"{place}:{function}"
        if name in WORKLOADS or handlers.setdefault(name, whole) != whole:
            raise argparse.ArgumentTypeError(f"{name} is the name of another workload: give the function another one")
        return name

    return read_one


def _line(text: str) -> str:
    if not text or "\n" in text or text in {"Q", "q"}:
        raise argparse.ArgumentTypeError("a request is one line, not empty, and not Q, which ends a conversation")
    return text


def _objective(text: str) -> str:
    what, _, bound = text.partition("<")
    if what == "p99" and bound:
        duration_s(bound)
    elif text not in OBJECTIVES:
        raise argparse.ArgumentTypeError(f"{text!r} is unknown: choose from {', '.join(OBJECTIVES)}, or p99<20ms")
    return text


def _one_of(table: Mapping[str, object]) -> Callable[[str], str]:
    def read_one(text: str) -> str:
        if text not in table:
            raise argparse.ArgumentTypeError(f"{text!r} is unknown: choose from {', '.join(table)}")
        return text

    return read_one


def _count(most: int, least: int = 1) -> Callable[[str], int]:
    def read_one(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most:,}")
        return int(text)

    return read_one


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        share = float(text.removesuffix("%")) / 100
        if text.endswith("%") and 0 <= share < 1:
            return share
    raise argparse.ArgumentTypeError(f"{text!r} is no share: write it as 2%")


def _window(text: str) -> float:
    if not SHORTEST_S <= duration_s(text) <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"a window lasts from {SHORTEST_S * 1e3:g}ms to {LONGEST_S:g}s, not {text}")
    return duration_s(text)


def _name(text: str) -> str:
    if not text or not text.replace("-", "").replace("_", "").isalnum():
        raise argparse.ArgumentTypeError(f"{text!r} is no name for a folder: use letters, digits, - and _")
    return text
