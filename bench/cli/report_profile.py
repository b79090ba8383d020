"""Redraw the profiles of a run, and its page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from bench.analysis.load import read_run
from bench.analysis.profile.load import load_profiles
from bench.errors import ELSEWHERE, writing
from bench.narrative.profiles import describe_profile
from bench.report.draw import draw
from bench.terminal.console import Terminal
from loadgen.cli.command_line import Parser, run_command


def main(words: Sequence[str] | None = None) -> int:
    """Draw what the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench profile",
        description="Redraw the profiles of a run from their records, and its page.",
        examples=[("python -m bench.cli.report_profile results/example", "the profiles of the example run")],
    )
    made.add_argument("folder", type=Path, metavar="RUN", help="a run's folder, for example results/latest")
    return made


def _run(options: argparse.Namespace) -> int:
    console = Terminal(soft_wrap=True)
    with writing(options.folder, ELSEWHERE):
        profiles = load_profiles(options.folder)
        console.print()
        for profile in profiles:
            for sentence in describe_profile(profile):
                console.print(Text(sentence))
        page = draw(read_run(options.folder), quiet=True)
        console.print(f"{page}{'#profiles' if profiles else ': no cell was profiled'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
