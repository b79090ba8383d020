"""``gilbench export``: write runs as Parquet, CSV or JSON lines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.analysis.columns import TABLES
from bench.analysis.frames import load_run, load_runs
from bench.paths import latest
from bench.report.export import EXPORT_FORMATS, EXPORTED, find_format, replace_file
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED


def main(words: Sequence[str] | None = None) -> int:
    """Write what the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


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
        tables={"file extensions": {ending: form.title for ending, form in EXPORT_FORMATS.items()}},
        exits={FAILED: "the file cannot be written"},
        intermixed=True,
    )
    made.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folders of runs (default: results/latest)")
    made.add_argument("file", type=Path, metavar="FILE", help="file to write; an existing one is replaced")
    made.add_argument(
        "--table",
        choices=EXPORTED,
        default="windows",
        help="one row per window (windows), cell (cells), cell, metric and interpreter (ratios), or cell and "
        "percentile (latency) (default: windows)",
    )
    return made


def _run(options: argparse.Namespace) -> int:
    form = find_format(options.file)
    runs = options.runs or [latest()]
    frame = EXPORTED[options.table](load_run(runs[0]) if len(runs) == 1 else load_runs(runs))
    replace_file(options.file, form.write(frame, TABLES[options.table]))
    sys.stdout.write(f"{options.file}: {len(frame)} rows, {len(frame.columns)} columns\n")
    return DONE
