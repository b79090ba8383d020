"""``gilbench load``: put load on a server, and show and write the result."""

from __future__ import annotations

from collections.abc import Sequence

from loadgen.cli import arguments
from loadgen.cli.command_line import deferred, run_command

parser = arguments.parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(parser(), deferred("loadgen.cli.measuring", compiles=True), words)
