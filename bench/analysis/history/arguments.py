"""The command line of ``nox -s history``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.analysis.arguments import Parser
from bench.paths import results

RUNS: Final = "runs"
OUTPUT: Final = "history"
"""Folders in that of the results."""


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="nox -s history --",
        description="Draw each cell over all runs and over versions of CPython, and name the runs in which a change "
        "came in.",
        examples=[
            ("nox -s history", "of all runs so far"),
            ("nox -s history -- results/runs results/example --output over-time", "of these, into another folder"),
        ],
        exits={0: "all well", 2: "wrong options, nothing to draw, or it cannot be written"},
    )
    made.add_argument(
        "runs", nargs="*", type=Path, metavar="RUN", help=f"runs, or folders of runs (default: {RUNS} in the results)"
    )
    made.add_argument(
        "--output",
        type=Path,
        default=results() / OUTPUT,
        metavar="FOLDER",
        help=f"where the page goes (default: {OUTPUT} in the results)",
    )
    return made
