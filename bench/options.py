"""What is typed behind ``nox -s bench --``: one row an option, and what the words become."""

from __future__ import annotations

import argparse
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bench import readers, variants
from bench.errors import GilbenchError
from bench.plan import BESIDE, WARMUP_JIT_S, WARMUP_S
from bench.resume import Interrupted, interrupted
from bench.server import ROOT
from bench.targets import AUTO, Target, discover, pinned, require_same_build, resolve
from bench.wanted import Wanted
from loadgen.load import MAX_CONNECTIONS
from loadgen.options import duration_s, requests_a_connection
from servers.models import MODELS
from servers.workloads import WORKLOADS

ALL = "all"
MAX_PASSES = 1000
PASSES = 3
ROUNDS = 7  # with windows of 100 ms; docs/method.md has the measurement
WINDOW_S = 0.1

Value = TypeVar("Value")


class Option(NamedTuple):
    """A row of the table: what ``--help`` shows, and what holds when nothing is typed."""

    default: str | None
    metavar: str  # empty: it takes no value
    help: str


OPTIONS = {
    "pythons": Option(
        AUTO,
        "LIST",
        "interpreters, as 3.13,3.13t,/path/to/python, or auto (default: auto); changed by what stands behind them, as "
        f"3.14+jit: {variants.help_text()}",
    ),
    "cpus": Option(
        None,
        "LIST",
        "pin the servers to the first so many CPUs, each number a target of its own, as 1,2,4: throughput over cores",
    ),
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
    "warmup": Option(
        None,
        "TIME",
        f"load before the first window of a start, not measured (default: {WARMUP_S * 1e3:g}ms; "
        f"{WARMUP_JIT_S * 1e3:g}ms if an interpreter has its JIT on)",
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


ALIASES = {"workloads": ("--workloads", "--workload"), "pythons": ("--pythons", "--variants")}
"""Options that go by more than their own name."""


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
    workloads = _some_of("workloads", typed, WORKLOADS, readers.workload(handlers))
    workloads = [each for name in workloads for each in _with_company(name)]
    request = _read("request", typed["request"], readers.line)
    objective = _read("objective", typed["objective"], readers.objective)
    clients = _each("clients", typed, readers.count(MAX_CONNECTIONS))
    conversation = _read("conversation", typed["conversation"], requests_a_connection)
    precision = None if typed["precision"] is None else _read("precision", typed["precision"], readers.share)
    if precision is not None and typed["passes"] is not None:
        raise GilbenchError("--precision measures as many passes as it takes: leave --passes out, or --precision")
    passes = _read("passes", typed["passes"] or str(PASSES), readers.count(MAX_PASSES))
    rounds = _read("rounds", typed["rounds"] or str(1 if precision is None else ROUNDS), readers.count(MAX_PASSES))
    window_s = None if precision is None else WINDOW_S
    if typed["window"] is not None:
        window_s = _read("window", typed["window"], readers.window)
    same_within = _read("same-within", typed["same-within"], readers.share)
    budget_s = _read("budget", typed["budget"], duration_s)
    name = _read("name", typed["name"], readers.folder_name)
    seed = (
        secrets.randbits(32) if typed["seed"] is None else _read("seed", typed["seed"], readers.count(2**63, least=0))
    )
    targets = _targets(typed, resumed)
    jit = any(target.build["jit"] == "on" for target in targets.values())
    warmup_s = WARMUP_JIT_S if jit else WARMUP_S
    if typed["warmup"] is not None:
        warmup_s = _read("warmup", typed["warmup"], duration_s)
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
        warmup_s=warmup_s,
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


def _with_company(workload: str) -> list[str]:
    """Return a workload as it is, ``mixed`` once for each number of computing clients beside."""
    return [f"{workload}+{clients}" for clients in BESIDE] if workload == readers.MIXED else [workload]


def _targets(typed: Mapping[str, Any], resumed: Interrupted | None) -> dict[str, Target]:
    found = resolve(typed["pythons"], discover())
    if typed["cpus"] is not None:
        found = pinned(found, _each("cpus", typed, readers.count(variants.MOST_CPUS)))
    targets = {target.name: target for target in found}
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
        example = OPTIONS[option].default or "1,2"
        raise GilbenchError(f"--{option} names nothing: write for example --{option} {example}")
    return list(dict.fromkeys(_read(option, part, reader) for part in parts))


def _some_of(
    option: str, typed: Mapping[str, Any], table: Mapping[str, object], reader: Callable[[str], str] | None = None
) -> list[str]:
    return list(table) if typed[option].strip() == ALL else _each(option, typed, reader or readers.one_of(table))
