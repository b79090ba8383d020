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
from servers.models import MODELS
from servers.workloads import WORKLOADS

ALL = "all"
MAX_PASSES = 1000
PASSES = 3
ROUNDS = 7  # with windows of 100 ms; docs/method.md has the measurement
WINDOW_S = 0.1


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
    "name": Option("bench", "NAME", "end of the name of the run's folder (default: bench)", KEPT),
    "resume": Option(None, "FOLDER", "resume a run that was interrupted; its plan holds, other options do not", KEPT),
}


ALIASES = {"workloads": ("--workloads", "--workload"), "pythons": ("--pythons", "--variants")}
"""Options that go by more than their own name."""

DEST = "gilbench_{}"
"""Where a namespace keeps what was typed for an option."""

EXAMPLES = (
    ("gilbench bench", "the default: what there is to know of this machine in three minutes"),
    (
        "gilbench bench --pythons 3.13,3.13t --servers threaded,multiprocess --workloads cpu --clients 1,4",
        "threads with and without a GIL, and processes, at computing",
    ),
    (
        "gilbench bench --workload ./shop.py:price --request item-7 --servers all --objective 'p99<20ms'",
        "which model and interpreter serve a handler of your own best",
    ),
    (
        "gilbench bench --pythons 3.13,3.14 --servers threaded --workloads cpu --clients 4 --precision 1% --budget 5m",
        "two interpreters compared, to within a per cent",
    ),
    ("gilbench bench --collect-only", "shows the plan and what it takes, and measures nothing"),
)


def parser() -> Parser:
    """Return the options by their groups, as ``--help`` shows them."""
    made = Parser(
        prog="gilbench bench",
        description="Measure servers of several concurrency models under several CPythons, and draw what was seen. "
        "In a checkout `nox -s bench -- OPTIONS` is the same; pytest's --benchmark-... options work as well.",
        examples=EXAMPLES,
        tables={
            "concurrency models": {name: model.summary for name, model in MODELS.items()},
            "workloads": {name: workload.summary for name, workload in WORKLOADS.items()},
            "behind an interpreter": variants.summaries(),
        },
        exits={FAILED: "a cell could not be measured, or the run not be drawn", INTERRUPTED: EXIT_CODES[INTERRUPTED]},
    )
    groups = {title: made.add_argument_group(title) for title in (MEASURED, PRECISELY, COMPARED, KEPT)}
    for name, option in OPTIONS.items():
        add_option(groups[option.group].add_argument, name)
    return made


def add_option(add: Callable[..., object], name: str) -> None:
    """Add one of :data:`OPTIONS` by argparse's ``add_argument`` or pytest's ``addoption``, which take the same."""
    option = OPTIONS[name]
    takes: dict[str, Any] = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
    names = ALIASES.get(name, (f"--{name}",))
    add(*names, dest=DEST.format(name), default=option.default, help=option.help, **takes)
