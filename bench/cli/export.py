"""``gilbench export``: write runs as Parquet, CSV or JSON lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from loadgen.cli.command_line import Parser, deferred, run_command
from loadgen.cli.exit_codes import FAILED

TABLES: Final = ("windows", "cells", "ratios", "latency")
EXTENSIONS: Final = {
    ".parquet": "Apache Parquet",
    ".csv": "comma-separated values",
    ".jsonl": "one JSON object per line",
}


def main(words: Sequence[str] | None = None) -> int:
    """Write what the command line names, and return the exit code."""
    return run_command(parser(), deferred("bench.cli.export_run"), words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench export",
        description="Write one or more runs as Parquet, CSV or JSON lines, by the file's extension.",
        examples=[
            ("gilbench export results/latest windows.parquet", "one row per window, units and meanings in the file"),
            ("gilbench export results/latest ratios.csv --table ratios", "interpreters compared"),
            ("gilbench export results/runs/* windows.parquet", "all runs, distinguished by the column run"),
        ],
        tables={"file extensions": EXTENSIONS},
        exits={FAILED: "the file cannot be written"},
        intermixed=True,
    )
    made.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folders of runs (default: results/latest)")
    made.add_argument("file", type=Path, metavar="FILE", help="file to write; an existing one is replaced")
    made.add_argument(
        "--table",
        choices=TABLES,
        default="windows",
        help="one row per window (windows), cell (cells), cell, metric and interpreter (ratios), or cell and "
        "percentile (latency) (default: windows)",
    )
    return made
