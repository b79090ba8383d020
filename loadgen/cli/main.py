"""``gilbench load``: put load on a server, and show and write the result."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from loadgen.cli import arguments
from loadgen.cli.command_line import run_command
from loadgen.cli.outputs import say
from loadgen.native.cache import FIRST_START, is_compiled

parser = arguments.parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(parser(), _run, words)


def _run(chosen: argparse.Namespace) -> int:
    if not is_compiled():
        say(FIRST_START)
    # Only now: compiled code takes most of a second to load, and the help does not need it.
    from loadgen.cli import measuring  # noqa: PLC0415

    return measuring.run_load(chosen)
