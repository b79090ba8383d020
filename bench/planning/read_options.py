"""What the options of ``gilbench bench`` become: a request, or an error that names the option and the remedy."""

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
from bench.schema.cell import MIXED, Cell
from bench.schema.plan import WARMUP_S
from loadgen.cli.options import read_requests_per_connection
from loadgen.duration import duration_s
from loadgen.load import MAX_CONNECTIONS
from loadgen.nearest import did_you_mean
from servers.models import MODELS
from servers.workloads import WORKLOADS

CHANGEABLE: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "requests-per-connection": ("requests_per_connection", read_requests_per_connection),
    "request": ("request", readers.line),
    "rounds": ("rounds", readers.count(MAX_PASSES)),
    "window": ("window_s", readers.window),
}
"""Options that another command may change of a run's, with the field of :class:`RunRequest` and what reads it."""


Value = TypeVar("Value")


def read(typed: Mapping[str, Any]) -> RunRequest:
    """Make sense of what was typed for each of :data:`OPTIONS`, and find the interpreters.

    Raises:
        InvalidInput: something in it makes no sense; the message names the option and says what would.
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
        raise InvalidInput("--precision measures as many passes as it takes: leave --passes out, or --precision")
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
        raise InvalidInput("--precision is of the ratio of two interpreters: name two with --pythons 3.13,3.13t")
    if typed["fixed-layout"] and shutil.which("setarch") is None:
        raise InvalidInput("--fixed-layout needs setarch: install util-linux, or leave it out")
    asked = RunRequest(
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
    if not asked.cells:
        raise InvalidInput(f"--servers: {'; '.join(map(str, asked.gaps))}: name others, or other --pythons")
    return asked


def _resume(run: Interrupted, typed: Mapping[str, Any]) -> RunRequest:
    request = request_of_run(run, run.plan.cells, typed)
    for name, interpreter in request.interpreters.items():
        if interpreter.build != run.meta.interpreters[name]:
            raise InvalidInput(f"--resume: {name} has been built anew since: start the run again")
    return replace(request, resumed=run)


def request_of_run(run: Interrupted, cells: Iterable[Cell], typed: Mapping[str, Any]) -> RunRequest:
    """Return what a run was asked for, from its ``run.json``.

    Args:
        run: an earlier run.
        cells: those of it whose interpreters are needed.
        typed: ``results`` and ``name`` are taken from there.

    Raises:
        InvalidInput: an interpreter is no longer there.
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
    """Return what was asked for with what was typed of :data:`CHANGEABLE`; what was not typed stays.

    Raises:
        InvalidInput: something in it makes no sense.
    """
    read_ = {
        field: _read(name, typed[name], reader)
        for name, (field, reader) in CHANGEABLE.items()
        if typed.get(name) is not None
    }
    return replace(request, **read_)


def _expand_mixed(workload: str) -> list[str]:
    """Return a workload as it is, ``mixed`` once for each number of computing clients."""
    return [f"{workload}+{clients}" for clients in COMPUTING_CLIENTS] if workload == MIXED else [workload]


def _interpreters(typed: Mapping[str, Any]) -> dict[str, Interpreter]:
    found = resolve(typed["pythons"], discover)
    if typed["cpus"] is not None:
        found = pin_interpreters(found, _each("cpus", typed, readers.count(variants.MOST_CPUS)))
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
    """Read a comma-separated list; what stands in it twice counts once."""
    parts = [part for part in typed[option].split(",") if part.strip()]
    if not parts:
        example = OPTIONS[option].default or "1,2"
        raise InvalidInput(f"--{option} names nothing: write for example --{option} {example}")
    return list(dict.fromkeys(_read(option, part, reader) for part in parts))


def _choose(
    option: str, typed: Mapping[str, Any], table: Mapping[str, object], reader: Callable[[str], str] | None = None
) -> list[str]:
    return list(table) if typed[option].strip() == ALL else _each(option, typed, reader or readers.choice(table))
