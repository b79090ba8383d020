"""``gilbench explain``: why a measured cell is as fast as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.paths import latest
from loadgen.cli.command_line import Parser, deferred, run_command


def main(words: Sequence[str] | None = None) -> int:
    """Explain what the command line names, and return the exit code."""
    return run_command(parser(), deferred("bench.cli.explain_run"), words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench explain",
        description="Explain why a measured cell is as fast as it is, and what to try next.",
        examples=[
            ("gilbench explain threaded-cpu-4-3.13 --from results/example", "a cell of the example run"),
        ],
    )
    made.add_argument("cell", metavar="CELL", help="name of the cell, for example threaded-cpu-8-3.14")
    made.add_argument(
        "--from",
        dest="folder",
        type=Path,
        default=latest(),
        metavar="RUN",
        help="folder of the run (default: the latest run)",
    )
    return made
