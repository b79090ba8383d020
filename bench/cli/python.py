"""``gilbench python``: run Python with gilbench's modules importable, for example to load runs in a script."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bench.run_module import run_python
from loadgen.cli.command_line import Parser


def main(words: Sequence[str] | None = None) -> int:
    """Run Python with the arguments of the command line, and return its exit code."""
    given = list(sys.argv[1:] if words is None else words)
    if given[:1] in (["-h"], ["--help"]):
        parser().parse_args(given)
    return run_python(*given)


def parser() -> Parser:
    """Return the parser that shows the help; all other arguments go to Python."""
    made = Parser(
        prog="gilbench python",
        description="Run Python with gilbench's modules importable. All arguments are passed to Python.",
        examples=[
            ("gilbench python figures.py", "a script that begins with `from bench.analysis import load_run`"),
            ("gilbench python", "interactively"),
        ],
    )
    made.add_argument("words", nargs=argparse.REMAINDER, metavar="...", help="a script, -c CODE or -m MODULE")
    return made
