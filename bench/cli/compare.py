"""``gilbench compare``: compare two interpreters within a run, or two runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.schema.plan import SAME_WITHIN
from loadgen.cli.command_line import Parser, deferred, run_command
from loadgen.cli.exit_codes import FAILED

FORMATS: Final = ("terminal", "markdown", "json", "html")


def main(words: Sequence[str] | None = None) -> int:
    """Compare what the command line names, and return the exit code."""
    return run_command(parser(), deferred("bench.cli.compare_run"), words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench compare",
        description="Compare two interpreters within a run, measured side by side, or two runs.",
        examples=[
            ("gilbench compare", "the interpreters of the latest run"),
            ("gilbench compare results/example", "the interpreters of another run"),
            (
                "gilbench compare results/example --format markdown --output example.md",
                "as a table for a pull request",
            ),
            (
                "gilbench compare --fail-slower 5%",
                "a gate: exit with 1 on a significant loss of more than 5%",
            ),
        ],
        exits={FAILED: "--fail-slower was given and a larger loss of throughput is significant"},
    )
    add = made.add_argument_group("what is compared").add_argument
    add("runs", nargs="*", type=Path, metavar="RUN", help="one or two folders of runs (default: the latest run)")
    add("--baseline", default="", metavar="INTERPRETER", help="baseline within a run (default: the plan's)")
    add("--candidate", default="", metavar="INTERPRETER", help="candidate within a run (default: all others)")
    add("--require-same-build", action="store_true", help="refuse to compare different builds")
    add = made.add_argument_group("verdicts").add_argument
    add(
        "--same-within",
        type=_share,
        metavar="SHARE",
        help=f"ratios closer to 1 count as the same (default: the plan's; between runs {SAME_WITHIN:.0%}%)",
    )
    add("--fail-slower", type=_share, metavar="SHARE", help="exit with 1 if a larger loss of throughput is significant")
    add("--across-machines", action="store_true", help="let --fail-slower judge runs of different machines, too")
    add = made.add_argument_group("where it goes").add_argument
    add("--format", choices=FORMATS, default="terminal", help="(default: terminal)")
    add("--output", type=Path, metavar="FILE", help="write there (default: standard output)")
    return made


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not text.endswith("%") or not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"invalid share {text!r}: use a percentage such as 5%")
    return share
