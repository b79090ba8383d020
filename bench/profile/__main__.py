"""See why a cell is as fast as it is: which lines hold the GIL, when, and who waits."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.errors import GilbenchError
from bench.paths import nox
from bench.profile import folder
from bench.profile.memory import memory
from bench.profile.profilers import AUTO, PROFILERS
from bench.profile.profilers.profiler import RATE_HZ
from bench.profile.request import Profiling, add_options, profiling
from bench.profile.windows import PLAIN, How, Profile, profile
from bench.run_module import run_module
from bench.runner.lock import only_run
from bench.runner.run import describe
from bench.schema.plan import Plan
from bench.schema.record import Record
from bench.schema.run_folder import RunFolder
from bench.schema.run_meta import State
from loadgen.command_line import Parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit status."""
    typed = list(sys.argv[1:] if argv is None else argv)
    options = parser().parse_args(typed)
    console = Console(highlight=False, soft_wrap=True)
    command = nox("profile", typed)
    try:
        asked = profiling(options)
        with only_run():
            run = _carry_out(asked, options, command, console)
    except GilbenchError as exc:
        sys.stderr.write(f"error: {' '.join(str(exc).split())}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return draw(run)


def draw(run: Path) -> int:
    """Let analysing draw the run, in a process of its own: measuring knows nothing of it."""
    return run_module("bench.analysis.profile", str(run))


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="nox -s profile --",
        description="See why a cell is as fast as it is: which lines hold the GIL, when, and who waits. Its load is "
        "put on its server again, with and without profiling, so that the overhead is known.",
        examples=[
            ("nox -s profile -- --server threaded --workload cpu --python 3.13,3.13t", "a cell under two interpreters"),
            ("nox -s profile -- --from results/latest --slowest", "the cell of a run that stays behind most"),
            (
                "nox -s profile -- --workload ./shop.py:price --request item-7 --server thread-pool --clients 8",
                "a handler of your own",
            ),
        ],
        exits={0: "all well", 1: "it could not be profiled", 2: "wrong options", 130: "Ctrl-C"},
    )
    add_options(made)
    add = made.add_argument_group("profiling").add_argument
    add(
        "--profiler",
        choices=[AUTO, *PROFILERS],
        default=AUTO,
        help="for stacks; auto: the first of these that works here for the interpreter (default)",
    )
    add("--native", action="store_true", help="with frames of C code; py-spy then stops the server")
    add("--memory", action="store_true", help="also which lines hold memory, by tracemalloc")
    add("--rate", type=_rate, default=RATE_HZ, metavar="N", help=f"stack samples a second (default: {RATE_HZ})")
    return made


def _rate(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 10000")
    return int(text)


def _carry_out(asked: Profiling, options: argparse.Namespace, command: str, console: Console) -> Path:
    """Profile the cells one after another, and return the folder of the run that they went to."""
    wanted, how = asked.wanted, How(options.profiler, options.native, options.rate)
    plan = wanted.plan(asked.cells)
    with _open_run(asked, plan, command) as (run, keep):
        for cell in asked.cells:
            began_s = time.monotonic()
            console.print(f"\n{cell.name}")
            interpreter = wanted.interpreters[cell.interpreter]
            found = profile(cell, interpreter, plan, how)
            _say(found, console)
            held = memory(cell, interpreter, plan) if options.memory and found.cut_short is None else None
            folder.write(run, found, interpreter=interpreter, how=how, command=command, memory=held)
            keep([record for with_, record in found.windows if with_ == PLAIN])
            if found.cut_short is not None:
                raise found.cut_short
            console.print(f"took {time.monotonic() - began_s:.0f} s")
    return run


@contextlib.contextmanager
def _open_run(asked: Profiling, plan: Plan, command: str) -> Iterator[tuple[Path, Callable[[list[Record]], None]]]:
    """Have the folder of the run that profiles belong to, and what keeps plain windows: a new run measures them."""
    if asked.run is not None:
        yield asked.run, lambda _: None
        return
    run = RunFolder(asked.wanted.results, asked.wanted.name, describe(plan, asked.wanted, command, {}))
    state = State.PARTIAL
    with contextlib.closing(run):
        try:
            yield run.path, run.append
            state = State.COMPLETE
        finally:
            run.update(replace(run.meta, state=state))


def _say(found: Profile, console: Console) -> None:
    for name, reason in found.refused.items():
        console.print(f"passed over {name}: {reason}")
    if found.profiler is not None:
        console.print(f"stacks by {found.profiler.name}: {found.profiler.why}")
    for failure in found.failures:
        console.print(f"failed: {failure}")
    for with_, cost in sorted(found.costs().items()):
        sure = f"{cost.low - 1:+.1%} to {cost.high - 1:+.1%} with 95%" if cost.launches > 1 else "one pair of windows"
        console.print(f"throughput with {with_}: {cost.ratio - 1:+.1%} ({sure})")


if __name__ == "__main__":
    sys.exit(main())
