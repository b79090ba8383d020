"""``gilbench history``: plot each cell over all runs, and list the runs in which something changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.paths import results
from loadgen.cli.command_line import Parser, deferred, run_command
from loadgen.cli.exit_codes import FAILED

RUNS: Final = "runs"
OUTPUT: Final = "history"
"""Folders inside the results folder."""


def main(words: Sequence[str] | None = None) -> int:
    """Draw what the command line names, and return the exit code."""
    return run_command(parser(), deferred("bench.cli.history_run"), words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench history",
        description="Plot each cell over all runs and over versions of CPython, and list the runs in which something "
        "changed.",
        examples=[
            ("gilbench history", "all runs so far"),
            ("gilbench history results/runs results/example --output over-time", "these runs, into another folder"),
        ],
        exits={FAILED: "the page cannot be written"},
    )
    made.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help=f"runs, or folders of runs (default: {RUNS} in the results folder)",
    )
    made.add_argument(
        "--output",
        type=Path,
        default=results() / OUTPUT,
        metavar="FOLDER",
        help=f"folder of the page (default: {OUTPUT} in the results folder)",
    )
    return made
