"""Profile cells, and draw what was found."""

from __future__ import annotations

import argparse

from bench.paths import command_line
from bench.profile.measure import profile_cells
from bench.profile.request import profiling
from bench.profile.windows import How
from bench.run_module import run_module
from bench.runner.lock import only_run
from bench.terminal.console import Terminal


def run(options: argparse.Namespace) -> int:
    """Run the command, and return its exit code."""
    asked = profiling(options)
    how, console = How(options.profiler, options.native, options.rate), Terminal(soft_wrap=True)
    with only_run():
        folder = profile_cells(asked, how, command_line("profile", options.typed), console, with_memory=options.memory)
    # In a separate process: measuring does not import drawing.
    return run_module("bench.cli.report_profile", str(folder))
