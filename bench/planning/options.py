"""The options of ``gilbench bench``: one row per option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bench.interpreters import variants
from bench.interpreters.selection import AUTO
from bench.paths import RESULTS
from bench.planning.defaults import WARMUP_JIT_S
from bench.schema.plan import WARMUP_S
from loadgen.cli.command_line import Parser
from loadgen.cli.exit_codes import EXIT_CODES, FAILED, INTERRUPTED
from servers.deployed import DEPLOYED
from servers.models import MODELS
from servers.workloads import WORKLOADS

ALL = "all"
MAX_PASSES = 1000
PASSES = 3
ROUNDS = 7  # with windows of 100 ms; docs/method.md has the measurement
WINDOW_S = 0.1


class Option(NamedTuple):
    """A row of the table: what ``--help`` shows, and the default."""

    default: str | None
    metavar: str  # empty: it takes no value
    help: str
    group: str


MEASURED = "what is measured"
PRECISELY = "how long and how precisely"
COMPARED = "how results are compared"
KEPT = "where results go"

OPTIONS = {
    "pythons": Option(
        AUTO,
        "LIST",
        "interpreters, such as 3.13,3.13t,/path/to/python, or auto: the newest release with a free-threaded twin, and "
        "that twin (default: auto); a suffix changes settings, as in 3.14+jit",
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
        "concurrency models, or all of them (default: serial,threaded,asyncio,multiprocess); or servers that people "
        f"deploy: {', '.join(DEPLOYED)}",
        MEASURED,
    ),
    "workloads": Option(
        "echo,io,cpu",
        "LIST",
        "what a request does, or all (default: echo,io,cpu); or your own handler: file.py:function, "
        "package.module:function",
        MEASURED,
    ),
    "app": Option(
        None,
        "MODULE:OBJECT",
        "your own WSGI or ASGI application, instead of workloads, under servers such as gunicorn-gthread or uvicorn",
        MEASURED,
    ),
    "path": Option("/", "PATH", "what your own application is asked for, with GET (default: /)", MEASURED),
    "request": Option(
        "hello",
        "TEXT",
        "the request to your own handler (default: hello); {n} in it counts, {random:1-1000} is a random number",
        MEASURED,
    ),
    "requests": Option(None, "FILE", "the requests to your own handler: one per line, or JSON strings", MEASURED),
    "order": Option("sequence", "ORDER", "of several requests: sequence or random (default: sequence)", MEASURED),
    "clients": Option("1,4,8", "LIST", "clients at the same time (default: 1,4,8)", MEASURED),
    "requests-per-connection": Option(
        "10", "N|keep-alive", "requests before a client reconnects (default: 10)", MEASURED
    ),
    "fixed-layout": Option(None, "", "run the servers without address randomisation (see docs/method.md)", MEASURED),
    "require-same-build": Option(None, "", "refuse interpreters that were built differently", MEASURED),
    "budget": Option("3m", "TIME", "time for measuring and drawing, such as 90s or 10m (default: 3m)", PRECISELY),
    "passes": Option(None, "N", f"visits to every cell, each with new servers (default: {PASSES})", PRECISELY),
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
        "such as 2%%: instead of a number of passes, measure until every ratio to the baseline is this precise",
        PRECISELY,
    ),
    "seed": Option(None, "N", "seed of the random order, to repeat one (default: random)", PRECISELY),
    "baseline": Option(
        None, "NAME", "the interpreter that the others are compared with (default: the first)", COMPARED
    ),
    "same-within": Option("1%", "SHARE", "ratios closer to 1 than this count as the same (default: 1%%)", COMPARED),
    "objective": Option(
        "throughput",
        "WHAT",
        "what to recommend for: throughput, p99<TIME, cpu, memory (default: throughput)",
        COMPARED,
    ),
    "results": Option(
        None,
        "FOLDER",
        f"where the results go (default: results in gilbench's own folder, or the folder that ${RESULTS} names)",
        KEPT,
    ),
    "name": Option("bench", "NAME", "suffix of the name of the run's folder (default: bench)", KEPT),
    "resume": Option(None, "FOLDER", "resume an interrupted run with its own plan; other options are ignored", KEPT),
}


ALIASES = {"workloads": ("--workloads", "--workload"), "pythons": ("--pythons", "--variants")}
"""Options that have more than one name."""

DEST = "gilbench_{}"
"""Attribute of a namespace that holds the raw value of an option."""

EXAMPLES = (
    ("gilbench bench", "the default: an overview of this machine in three minutes"),
    (
        "gilbench bench --pythons 3.13,3.13t --servers threaded,multiprocess --workloads cpu --clients 1,4",
        "computing in threads with and without a GIL, and in processes",
    ),
    (
        "gilbench bench --workload ./shop.py:price --request item-7 --servers all --objective 'p99<20ms'",
        "which model and interpreter serve your own handler best",
    ),
    (
        "gilbench bench --pythons 3.13,3.14 --servers threaded --workloads cpu --clients 4 --precision 1% --budget 5m",
        "two interpreters compared, to within one percent",
    ),
    ("gilbench bench --collect-only", "shows the plan and its estimated time, and measures nothing"),
)


def parser() -> Parser:
    """Return the parser, with the options in groups, as ``--help`` shows them."""
    made = Parser(
        prog="gilbench bench",
        description="Measure servers of several concurrency models under several CPythons, and draw the results. "
        "In a checkout `nox -s bench -- OPTIONS` does the same; pytest's --benchmark-... options work as well.",
        examples=EXAMPLES,
        tables={
            "concurrency models": {name: model.summary for name, model in MODELS.items()},
            "servers that people deploy": {name: model.summary for name, model in DEPLOYED.items()},
            "workloads": {name: workload.summary for name, workload in WORKLOADS.items()},
            "behind an interpreter": variants.summaries(),
        },
        exits={
            FAILED: "a cell could not be measured, or the run could not be drawn",
            INTERRUPTED: EXIT_CODES[INTERRUPTED],
        },
    )
    groups = {title: made.add_argument_group(title) for title in (MEASURED, PRECISELY, COMPARED, KEPT)}
    for name, option in OPTIONS.items():
        add_option(groups[option.group].add_argument, name)
    return made


def add_option(add: Callable[..., object], name: str) -> None:
    """Add one of :data:`OPTIONS` by argparse's ``add_argument`` or pytest's ``addoption``, which are alike."""
    option = OPTIONS[name]
    takes: dict[str, Any] = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
    names = ALIASES.get(name, (f"--{name}",))
    add(*names, dest=DEST.format(name), default=option.default, help=option.help, **takes)
