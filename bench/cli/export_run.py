"""Write runs to a file."""

from __future__ import annotations

import argparse
import sys

from bench.analysis.columns import TABLES
from bench.analysis.frames import load_run, load_runs
from bench.paths import latest
from bench.report.export import EXPORTED, find_format, replace_file
from loadgen.cli.exit_codes import DONE


def run(options: argparse.Namespace) -> int:
    """Run the command, and return its exit code."""
    form = find_format(options.file)
    runs = options.runs or [latest()]
    frame = EXPORTED[options.table](load_run(runs[0]) if len(runs) == 1 else load_runs(runs))
    replace_file(options.file, form.write(frame, TABLES[options.table]))
    sys.stdout.write(f"{options.file}: {len(frame)} rows, {len(frame.columns)} columns\n")
    return DONE
