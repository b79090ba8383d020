"""Reading the options of ``gilbench bench`` into a request, or an error that names the option and the remedy."""

from __future__ import annotations

import argparse
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from bench.errors import InvalidInput
from bench.interpreters import variants
from bench.interpreters.discovery import discover
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import pin_interpreters, require_same_build, resolve
from bench.paths import results
from bench.planning import readers
from bench.planning.defaults import COMPUTING_CLIENTS, WARMUP_JIT_S
from bench.planning.options import ALL, MAX_PASSES, OPTIONS, PASSES, ROUNDS, WINDOW_S
from bench.planning.resume import Interrupted, load_interrupted
from bench.planning.run_request import RunRequest
from bench.schema.cell import MIXED, Cell, parse_workload
from bench.schema.plan import WARMUP_S
from loadgen.cli.options import read_requests_per_connection
from loadgen.duration import duration_s
from loadgen.limits import MAX_CONNECTIONS, ORDERS
from loadgen.nearest import did_you_mean
from loadgen.whole_number import whole_number
from servers.deployed import DEPLOYED, EVERY
from servers.models import MODELS
from servers.workloads import WORKLOADS

CHANGEABLE: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "requests-per-connection": ("requests_per_connection", read_requests_per_connection),
    "request": ("request", readers.line),
    "requests": ("requests", readers.lines),
    "order": ("request_order", readers.choice(ORDERS)),
    "rounds": ("rounds", whole_number(MAX_PASSES)),
    "window": ("window_s", readers.window),
}
"""Options of a run that another command may change, with their fields of :class:`RunRequest` and their readers."""


Value = TypeVar("Value")


def read(typed: Mapping[str, Any]) -> RunRequest:
    """Read the raw values of :data:`OPTIONS`, and find the interpreters.

    Raises:
        InvalidInput: a value is invalid; the message names the option and the remedy.
    """
    if typed["resume"] is not None:
        return _resume(load_interrupted(Path(typed["resume"])), typed)
    models = _choose("servers", typed, MODELS, readers.choice(EVERY))
    handlers: dict[str, str] = {}
    if typed["app"] is None:
        workloads = _choose("workloads", typed, WORKLOADS, readers.workload(handlers))
        workloads = [each for name in workloads for each in _expand_mixed(name)]
    else:
        workloads = [_read("app", typed["app"], readers.application(handlers))]
    _refuse_what_servers_cannot(typed, models, workloads)
    request = _read("request", typed["request"], readers.line)
    if typed["requests"] is not None and typed["request"] != OPTIONS["request"].default:
        raise InvalidInput("--request and --requests both give the requests: leave one out")
    requests = () if typed["requests"] is None else _read("requests", typed["requests"], readers.lines)
    objective = _read("objective", typed["objective"], readers.objective)
    clients = _each("clients", typed, whole_number(MAX_CONNECTIONS))
    requests_per_connection = _read(
        "requests-per-connection", typed["requests-per-connection"], read_requests_per_connection
    )
    precision = None if typed["precision"] is None else _read("precision", typed["precision"], readers.share)
    if precision is not None and typed["passes"] is not None:
        raise InvalidInput("--precision measures as many passes as it needs: leave out --passes or --precision")
    passes = _read("passes", typed["passes"] or str(PASSES), whole_number(MAX_PASSES))
    rounds = _read("rounds", typed["rounds"] or str(1 if precision is None else ROUNDS), whole_number(MAX_PASSES))
    window_s = None if precision is None else WINDOW_S
    if typed["window"] is not None:
        window_s = _read("window", typed["window"], readers.window)
    same_within = _read("same-within", typed["same-within"], readers.share)
    budget_s = _read("budget", typed["budget"], duration_s)
    name = _read("name", typed["name"], readers.folder_name)
    seed = secrets.randbits(32) if typed["seed"] is None else _read("seed", typed["seed"], whole_number(2**63, least=0))
    interpreters = _interpreters(typed)
    jit = any(interpreter.build.jit == "on" for interpreter in interpreters.values())
    warmup_s = WARMUP_JIT_S if jit else WARMUP_S
    if typed["warmup"] is not None:
        warmup_s = _read("warmup", typed["warmup"], duration_s)
    if precision is not None and len(interpreters) < 2:
        raise InvalidInput("--precision needs two interpreters to compare, for example --pythons 3.13,3.13t")
    if typed["fixed-layout"] and shutil.which("setarch") is None:
        raise InvalidInput("--fixed-layout needs setarch: install util-linux, or leave it out")
    asked = RunRequest(
        interpreters=interpreters,
        models=models,
        workloads=workloads,
        handlers=handlers,
        path=None if typed["app"] is None else _read("path", typed["path"], readers.path),
        request=request,
        requests=requests,
        request_order=_read("order", typed["order"], readers.choice(ORDERS)),
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
    if not asked.cells:
        raise InvalidInput(f"--servers: {'; '.join(map(str, asked.gaps))}: choose others, or other --pythons")
    return asked


def _refuse_what_servers_cannot(typed: Mapping[str, Any], models: list[str], workloads: list[str]) -> None:
    deployed = [model for model in models if model in DEPLOYED]
    if typed["app"] is not None and len(deployed) < len(models):
        others = ", ".join(model for model in models if model not in DEPLOYED)
        raise InvalidInput(f"--app needs servers for applications, not {others}: choose from {', '.join(DEPLOYED)}")
    if typed["app"] is not None and typed["workloads"] != OPTIONS["workloads"].default:
        raise InvalidInput("--app and --workloads both say what a request does: leave one out")
    if typed["app"] is None and typed["path"] != OPTIONS["path"].default:
        raise InvalidInput("--path is what your own application is asked for: name that with --app")
    if deployed and any(parse_workload(workload)[1] for workload in workloads):
        raise InvalidInput(f"mixed is measured on reference models, not on {deployed[0]}: leave one of them out")


def _resume(run: Interrupted, typed: Mapping[str, Any]) -> RunRequest:
    request = request_of_run(run, run.plan.cells, typed)
    for name, interpreter in request.interpreters.items():
        if interpreter.build != run.meta.interpreters[name]:
            raise InvalidInput(f"--resume: {name} has been rebuilt since: start a new run")
    return replace(request, resumed=run)


def request_of_run(run: Interrupted, cells: Iterable[Cell], typed: Mapping[str, Any]) -> RunRequest:
    """Return the request of an earlier run, from its ``run.json``.

    Args:
        run: the earlier run.
        cells: those of its cells whose interpreters are needed.
        typed: raw options, of which ``results`` and ``name`` are used.

    Raises:
        InvalidInput: an interpreter no longer exists.
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


def apply_changes(request: RunRequest, typed: Mapping[str, Any]) -> RunRequest:
    """Return a request changed by the given options of :data:`CHANGEABLE`; the others stay.

    Raises:
        InvalidInput: a value is invalid.
    """
    read_ = {
        field: _read(name, typed[name], reader)
        for name, (field, reader) in CHANGEABLE.items()
        if typed.get(name) is not None
    }
    return replace(request, **read_)


def _expand_mixed(workload: str) -> list[str]:
    """Return a workload unchanged, or ``mixed`` once for each number of computing clients."""
    return [f"{workload}+{clients}" for clients in COMPUTING_CLIENTS] if workload == MIXED else [workload]


def _interpreters(typed: Mapping[str, Any]) -> dict[str, Interpreter]:
    found = resolve(typed["pythons"], discover)
    if typed["cpus"] is not None:
        found = pin_interpreters(found, _each("cpus", typed, whole_number(variants.MOST_CPUS)))
    interpreters = {interpreter.name: interpreter for interpreter in found}
    if typed["baseline"] and typed["baseline"] not in interpreters:
        meant = did_you_mean(typed["baseline"], interpreters)
        raise InvalidInput(
            f"--baseline {typed['baseline']} is not measured{meant}: choose from {', '.join(interpreters)}"
        )
    if typed["require-same-build"]:
        require_same_build(interpreters.values())
    return interpreters


def _read(option: str, text: str, reader: Callable[[str], Value]) -> Value:
    try:
        return reader(text.strip())
    except argparse.ArgumentTypeError as exc:
        raise InvalidInput(f"--{option}: {exc}") from None


def _each(option: str, typed: Mapping[str, Any], reader: Callable[[str], Value]) -> list[Value]:
    """Read a comma-separated list without its duplicates."""
    parts = [part for part in typed[option].split(",") if part.strip()]
    if not parts:
        example = OPTIONS[option].default or "1,2"
        raise InvalidInput(f"--{option} is empty: write for example --{option} {example}")
    return list(dict.fromkeys(_read(option, part, reader) for part in parts))


def _choose(
    option: str, typed: Mapping[str, Any], table: Mapping[str, object], reader: Callable[[str], str] | None = None
) -> list[str]:
    return list(table) if typed[option].strip() == ALL else _each(option, typed, reader or readers.choice(table))
