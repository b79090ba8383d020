"""What is typed behind ``nox -s bench --``: one row an option, and what the words become."""

from __future__ import annotations

import argparse
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from bench.errors import GilbenchError
from bench.interpreters import variants
from bench.interpreters.discovery import discover
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import AUTO, pin_interpreters, require_same_build, resolve
from bench.paths import RESULTS, results
from bench.planning import readers
from bench.planning.defaults import COMPUTING_CLIENTS, WARMUP_JIT_S
from bench.planning.resume import Interrupted, load_interrupted
from bench.planning.run_request import RunRequest
from bench.schema.cell import Cell
from bench.schema.plan import WARMUP_S
from loadgen.command_line import Parser
from loadgen.load import MAX_CONNECTIONS
from loadgen.nearest import did_you_mean
from loadgen.options import duration_s, read_requests_per_connection
from servers.models import MODELS
from servers.workloads import WORKLOADS

ALL = "all"
MAX_PASSES = 1000
PASSES = 3
ROUNDS = 7  # with windows of 100 ms; docs/method.md has the measurement
WINDOW_S = 0.1

CHANGEABLE: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "requests-per-connection": ("requests_per_connection", read_requests_per_connection),
    "request": ("request", readers.line),
    "rounds": ("rounds", readers.count(MAX_PASSES)),
    "window": ("window_s", readers.window),
}
"""Options that another command may change of a run's, with the field of :class:`RunRequest` and what reads it."""

Value = TypeVar("Value")


class Option(NamedTuple):
    """A row of the table: what ``--help`` shows, and what holds when nothing is typed."""

    default: str | None
    metavar: str  # empty: it takes no value
    help: str
    group: str


MEASURED = "what is measured"
PRECISELY = "how long and how precisely"
COMPARED = "what is said of it"
KEPT = "where results go"

OPTIONS = {
    "pythons": Option(
        AUTO,
        "LIST",
        "interpreters, as 3.13,3.13t,/path/to/python, or auto, the newest release that has a free-threaded twin, and "
        "that one (default: auto); changed by what stands behind them, as 3.14+jit",
        MEASURED,
    ),
    "cpus": Option(
        None,
        "LIST",
        "pin servers to the first N CPUs, for each N of a list such as 1,2,4: throughput over cores",
        MEASURED,
    ),
    "servers": Option(
        "serial,threaded,asyncio,multiprocess",
        "LIST",
        "concurrency models, or all (default: serial,threaded,asyncio,multiprocess)",
        MEASURED,
    ),
    "workloads": Option(
        "echo,io,cpu",
        "LIST",
        "what a request costs, or all (default: echo,io,cpu); or a handler of your own: file.py:function, "
        "package.module:function",
        MEASURED,
    ),
    "request": Option("hello", "TEXT", "what handlers of your own are asked (default: hello)", MEASURED),
    "clients": Option("1,4,8", "LIST", "clients at the same time (default: 1,4,8)", MEASURED),
    "requests-per-connection": Option(
        "10", "N|keep-alive", "requests before a client connects anew (default: 10)", MEASURED
    ),
    "fixed-layout": Option(None, "", "run the servers without address randomisation (see docs/method.md)", MEASURED),
    "require-same-build": Option(None, "", "refuse interpreters that were built differently", MEASURED),
    "budget": Option("3m", "TIME", "time for measuring and drawing, as 90s or 10m (default: 3m)", PRECISELY),
    "passes": Option(
        None, "N", f"visits to every cell, servers started afresh each time (default: {PASSES})", PRECISELY
    ),
    "rounds": Option(
        None,
        "N",
        f"windows of each launch, alternating between interpreters (default: 1; with --precision {ROUNDS})",
        PRECISELY,
    ),
    "window": Option(
        None,
        "TIME",
        f"length of a window (default: as the budget allows; with --precision {WINDOW_S * 1e3:g}ms)",
        PRECISELY,
    ),
    "warmup": Option(
        None,
        "TIME",
        f"load before the first window of a launch, not measured (default: {WARMUP_S * 1e3:g}ms; "
        f"{WARMUP_JIT_S * 1e3:g}ms if an interpreter has its JIT on)",
        PRECISELY,
    ),
    "precision": Option(
        None,
        "SHARE",
        "as 2%%: instead of so many passes, until every ratio to the baseline is known so precisely",
        PRECISELY,
    ),
    "seed": Option(None, "N", "of the random order, to repeat one (default: drawn)", PRECISELY),
    "baseline": Option(
        None, "NAME", "the interpreter that the others are compared with (default: the first)", COMPARED
    ),
    "same-within": Option("1%", "SHARE", "ratios closer to 1 than this count as the same (default: 1%%)", COMPARED),
    "objective": Option(
        "throughput",
        "WHAT",
        "what the recommendation is for: throughput, p99<TIME, cpu, memory (default: throughput)",
        COMPARED,
    ),
    "results": Option(
        None,
        "FOLDER",
        f"where the results go (default: results in gilbench's own folder, or what {RESULTS} in the environment names)",
        KEPT,
    ),
    "name": Option("bench", "NAME", "ends the name of the run's folder (default: bench)", KEPT),
    "resume": Option(
        None, "FOLDER", "go on with a run that was interrupted; its plan holds, other options do not", KEPT
    ),
}


ALIASES = {"workloads": ("--workloads", "--workload"), "pythons": ("--pythons", "--variants")}
"""Options that go by more than their own name."""

DEST = "gilbench_{}"
"""Where a namespace keeps what was typed for an option."""

EXAMPLES = (
    ("nox -s bench", "the default: what there is to know of this machine in three minutes"),
    (
        "nox -s bench -- --pythons 3.13,3.13t --servers threaded,multiprocess --workloads cpu --clients 1,4",
        "threads with and without a GIL, and processes, at computing",
    ),
    (
        "nox -s bench -- --workload ./shop.py:price --request item-7 --servers all --objective 'p99<20ms'",
        "which model and interpreter serve a handler of your own best",
    ),
    (
        "nox -s bench -- --pythons 3.13,3.14 --servers threaded --workloads cpu --clients 4 --precision 1% --budget 5m",
        "two interpreters compared, to within a per cent",
    ),
    ("nox -s bench -- --collect-only", "shows the plan and what it takes, and measures nothing"),
    (
        "nox -f ~/gilbench/noxfile.py -s bench -- --workload ./shop.py:price --request item-7 --results ./perf",
        "from another project's folder, to which all paths are relative",
    ),
)


def parser() -> Parser:
    """Return the options by their groups, as ``--help`` shows them; pytest reads them, and has others besides."""
    made = Parser(
        prog="nox -s bench --",
        description="Measure servers of several concurrency models under several CPythons, and draw what was seen. "
        "Pytest's own options work as well, as --collect-only, -k 'threaded and cpu' and -q; --help -v shows them all.",
        examples=EXAMPLES,
        tables={
            "concurrency models": {name: model.summary for name, model in MODELS.items()},
            "workloads": {name: workload.summary for name, workload in WORKLOADS.items()},
            "behind an interpreter": variants.summaries(),
        },
        exits={
            0: "all was measured and drawn",
            1: "a cell could not be measured, or the run not be drawn",
            2: "interrupted",
            4: "wrong options, or a plan that does not fit",
            5: "nothing was selected",
        },
    )
    groups = {title: made.add_argument_group(title) for title in (MEASURED, PRECISELY, COMPARED, KEPT)}
    for name, option in OPTIONS.items():
        takes: dict[str, Any] = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
        names = ALIASES.get(name, (f"--{name}",))
        groups[option.group].add_argument(
            *names, dest=DEST.format(name), default=option.default, help=option.help, **takes
        )
    return made


def read(typed: Mapping[str, Any]) -> RunRequest:
    """Make sense of what was typed for each of :data:`OPTIONS`, and find the interpreters.

    Raises:
        GilbenchError: something in it makes no sense; the message names the option and says what would.
    """
    if typed["resume"] is not None:
        return _resume(load_interrupted(Path(typed["resume"])), typed)
    models = _choose("servers", typed, MODELS)
    handlers: dict[str, str] = {}
    workloads = _choose("workloads", typed, WORKLOADS, readers.workload(handlers))
    workloads = [each for name in workloads for each in _expand_mixed(name)]
    request = _read("request", typed["request"], readers.line)
    objective = _read("objective", typed["objective"], readers.objective)
    clients = _each("clients", typed, readers.count(MAX_CONNECTIONS))
    requests_per_connection = _read(
        "requests-per-connection", typed["requests-per-connection"], read_requests_per_connection
    )
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
    interpreters = _interpreters(typed)
    jit = any(interpreter.build.jit == "on" for interpreter in interpreters.values())
    warmup_s = WARMUP_JIT_S if jit else WARMUP_S
    if typed["warmup"] is not None:
        warmup_s = _read("warmup", typed["warmup"], duration_s)
    if precision is not None and len(interpreters) < 2:
        raise GilbenchError("--precision is of the ratio of two interpreters: name two with --pythons 3.13,3.13t")
    if typed["fixed-layout"] and shutil.which("setarch") is None:
        raise GilbenchError("--fixed-layout needs setarch: install util-linux, or leave it out")
    wanted = RunRequest(
        interpreters=interpreters,
        models=models,
        workloads=workloads,
        handlers=handlers,
        request=request,
        objective=objective,
        clients=clients,
        requests_per_connection=requests_per_connection,
        passes=passes,
        rounds=rounds,
        window_s=window_s,
        warmup_s=warmup_s,
        precision=precision,
        same_within=same_within,
        baseline=typed["baseline"] or next(iter(interpreters)),
        fixed_layout=bool(typed["fixed-layout"]),
        budget_s=budget_s,
        results=results() if typed["results"] is None else Path(typed["results"]),
        name=name,
        seed=seed,
    )
    if not wanted.cells:
        raise GilbenchError(f"--servers: {'; '.join(map(str, wanted.gaps))}: name others, or other --pythons")
    return wanted


def _resume(run: Interrupted, typed: Mapping[str, Any]) -> RunRequest:
    wanted = request_of_run(run, run.plan.cells, typed)
    for name, interpreter in wanted.interpreters.items():
        if interpreter.build != run.meta.interpreters[name]:
            raise GilbenchError(f"--resume: {name} has been built anew since: start the run again")
    return replace(wanted, resumed=run)


def request_of_run(run: Interrupted, cells: Iterable[Cell], typed: Mapping[str, Any]) -> RunRequest:
    """Return what a run was asked for, from its ``run.json``.

    Args:
        run: an earlier run.
        cells: those of it whose interpreters are needed.
        typed: ``results`` and ``name`` are taken from there.

    Raises:
        GilbenchError: an interpreter is no longer there.
    """
    plan = run.plan
    names = dict.fromkeys(cell.interpreter for cell in cells)
    found = resolve(",".join(map(run.specification, names)), discover)
    return RunRequest(
        interpreters={interpreter.name: interpreter for interpreter in found},
        models=plan.values("model"),
        workloads=plan.values("workload"),
        clients=plan.values("clients"),
        results=results() if typed["results"] is None else Path(typed["results"]),
        name=_read("name", typed["name"], readers.folder_name),
        **plan.settings(),
    )


def apply_changes(wanted: RunRequest, typed: Mapping[str, Any]) -> RunRequest:
    """Return what was asked for with what was typed of :data:`CHANGEABLE`; what was not typed stays.

    Raises:
        GilbenchError: something in it makes no sense.
    """
    read_ = {
        field: _read(name, typed[name], reader)
        for name, (field, reader) in CHANGEABLE.items()
        if typed.get(name) is not None
    }
    return replace(wanted, **read_)


def _expand_mixed(workload: str) -> list[str]:
    """Return a workload as it is, ``mixed`` once for each number of computing clients."""
    return [f"{workload}+{clients}" for clients in COMPUTING_CLIENTS] if workload == readers.MIXED else [workload]


def _interpreters(typed: Mapping[str, Any]) -> dict[str, Interpreter]:
    found = resolve(typed["pythons"], discover)
    if typed["cpus"] is not None:
        found = pin_interpreters(found, _each("cpus", typed, readers.count(variants.MOST_CPUS)))
    interpreters = {interpreter.name: interpreter for interpreter in found}
    if typed["baseline"] and typed["baseline"] not in interpreters:
        meant = did_you_mean(typed["baseline"], interpreters)
        raise GilbenchError(
            f"--baseline {typed['baseline']} is not measured{meant}: choose from {', '.join(interpreters)}"
        )
    if typed["require-same-build"]:
        require_same_build(interpreters.values())
    return interpreters


def _read(option: str, text: str, reader: Callable[[str], Value]) -> Value:
    try:
        return reader(text.strip())
    except argparse.ArgumentTypeError as exc:
        raise GilbenchError(f"--{option}: {exc}") from None


def _each(option: str, typed: Mapping[str, Any], reader: Callable[[str], Value]) -> list[Value]:
    """Read a comma-separated list; what stands in it twice counts once."""
    parts = [part for part in typed[option].split(",") if part.strip()]
    if not parts:
        example = OPTIONS[option].default or "1,2"
        raise GilbenchError(f"--{option} names nothing: write for example --{option} {example}")
    return list(dict.fromkeys(_read(option, part, reader) for part in parts))


def _choose(
    option: str, typed: Mapping[str, Any], table: Mapping[str, object], reader: Callable[[str], str] | None = None
) -> list[str]:
    return list(table) if typed[option].strip() == ALL else _each(option, typed, reader or readers.choice(table))
