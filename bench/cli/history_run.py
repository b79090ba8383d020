"""Draw the page of all runs."""

from __future__ import annotations

import argparse

from bench.analysis.history.changes import all_changes
from bench.analysis.history.series import series_of_runs
from bench.cli.history import RUNS
from bench.errors import writing
from bench.paths import results
from bench.report.history import draw
from loadgen.cli.exit_codes import DONE


def run(options: argparse.Namespace) -> int:
    """Run the command, and return its exit code."""
    runs, left_out = draw.load_history(options.runs or [results() / RUNS])
    series = series_of_runs(runs)
    found = all_changes(series)
    with writing(options.output, "name another folder with --output"):
        page = draw.write_page(options.output, runs, series, found, left_out)
    draw.show(runs, series, found, left_out, page)
    return DONE
