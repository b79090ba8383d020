"""``gilbench micro``: what starting, handing over, locking and sharing cost inside each interpreter."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.cli.results_option import add_results
from bench.interpreters import variants
from bench.interpreters.discovery import discover
from bench.interpreters.selection import resolve
from bench.micro.measure import choose_folder, measure_rounds
from bench.run_module import run_module
from bench.runner.lock import only_run
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED

ALL: Final = "all"
ROUNDS: Final = 5


def main(words: Sequence[str] | None = None) -> int:
    """Measure what the command line names, draw it, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench micro",
        description="Measure what starting, handing over, locking and sharing cost by themselves, inside each "
        "interpreter, in rounds that alternate between them.",
        examples=[
            ("gilbench micro", "everything, under all interpreters that are found"),
            ("gilbench micro --pythons 3.13,3.13t --only 'singleton or lock'", "some of it, under two"),
            ("gilbench micro --pythons 3.13,3.13t --into results/latest", "as a chapter of a run's page"),
        ],
        tables={"behind an interpreter": variants.summaries()},
        exits={FAILED: "a test of the suite failed somewhere, or it could not be run"},
    )
    add = made.add_argument_group("what is measured").add_argument
    add(
        "--pythons",
        "--variants",
        default=ALL,
        metavar="LIST",
        help="interpreters, as for gilbench bench, or all (default: all found)",
    )
    add("--only", default="", metavar="EXPR", help="tests with that in their name, as pytest's -k")
    add = made.add_argument_group("how long and how precisely").add_argument
    add("--rounds", type=_count, default=ROUNDS, metavar="N", help=f"visits to each interpreter (default: {ROUNDS})")
    add = made.add_argument_group("where results go").add_argument
    add("--into", type=Path, metavar="RUN", help="a run's folder, whose page gets a chapter of it")
    add_results(add)
    return made


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    interpreters = discover() if options.pythons == ALL else resolve(options.pythons, discover)
    console = Console(highlight=False, soft_wrap=True)
    with only_run():
        folder = choose_folder(options.results, options.into)
        failed = measure_rounds(interpreters, folder, console, rounds=options.rounds, only=options.only)
    drawn = run_module("bench", "report", str(folder))
    if options.into:
        drawn = max(drawn, run_module("bench", "report", str(folder.parent), "--quiet"))
    return FAILED if failed or drawn else DONE
