"""``gilbench micro``: microbenchmarks of starts, hand-offs, locks and singletons inside each interpreter."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.cli.results_option import add_results
from bench.interpreters import variants
from bench.interpreters.discovery import discover
from bench.interpreters.selection import resolve
from bench.micro.measure import choose_folder, measure_rounds
from bench.run_module import run_module
from bench.runner.lock import only_run
from bench.terminal.console import Terminal
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.whole_number import whole_number

ALL: Final = "all"
ROUNDS: Final = 5
MAX_ROUNDS: Final = 1000


def main(words: Sequence[str] | None = None) -> int:
    """Measure what the command line names, draw it, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench micro",
        description="Run microbenchmarks of starts, hand-offs, locks and singletons inside each interpreter, in rounds "
        "that alternate between interpreters.",
        examples=[
            ("gilbench micro", "all tests, under all interpreters found"),
            ("gilbench micro --pythons 3.13,3.13t --only 'singleton or lock'", "some tests, under two interpreters"),
            ("gilbench micro --pythons 3.13,3.13t --into results/latest", "as a chapter of a run's page"),
        ],
        tables={"behind an interpreter": variants.summaries()},
        exits={FAILED: "a test failed under an interpreter, or the suite could not be run"},
    )
    add = made.add_argument_group("what is measured").add_argument
    add(
        "--pythons",
        "--variants",
        default=ALL,
        metavar="LIST",
        help="interpreters, as for gilbench bench, or all (default: all found)",
    )
    add("--only", default="", metavar="EXPR", help="select tests by name, like pytest's -k")
    add = made.add_argument_group("how long and how precisely").add_argument
    add(
        "--rounds",
        type=whole_number(MAX_ROUNDS),
        default=ROUNDS,
        metavar="N",
        help=f"rounds per interpreter (default: {ROUNDS})",
    )
    add = made.add_argument_group("where results go").add_argument
    add("--into", type=Path, metavar="RUN", help="folder of a run whose page gets the results as a chapter")
    add_results(add)
    return made


def _run(options: argparse.Namespace) -> int:
    interpreters = discover() if options.pythons == ALL else resolve(options.pythons, discover)
    console = Terminal(soft_wrap=True)
    with only_run():
        folder = choose_folder(options.results, options.into)
        failed = measure_rounds(interpreters, folder, console, rounds=options.rounds, only=options.only)
    drawn = run_module("bench", "report", str(folder))
    if options.into:
        drawn = max(drawn, run_module("bench", "report", str(folder.parent), "--quiet"))
    return FAILED if failed or drawn else DONE
