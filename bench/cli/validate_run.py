"""Run the suite, and draw its results."""

from __future__ import annotations

import argparse
import signal
import sys

from bench.run_module import run_module
from bench.runner.lock import only_run
from bench.terminal.console import Terminal
from bench.validate.measure import Options, validate
from loadgen.cli.exit_codes import INTERRUPTED


def run(options: argparse.Namespace) -> int:
    """Run the command, and return its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Terminal(sys.stderr, soft_wrap=True)
    with only_run():
        folder, interrupted = validate(Options(options.only, options.budget, options.results), console)
    drawn = run_module("bench.cli.report_validation", str(folder), *(["--json"] if options.json else []))
    return INTERRUPTED if interrupted else drawn
