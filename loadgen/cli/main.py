"""``gilbench load``: put load on a server, and show and write the result."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from loadgen.cli import arguments, audit
from loadgen.cli.command_line import deferred, run_command

parser = arguments.parser
SUBCOMMANDS: Final[dict[str, ModuleType]] = {"audit": audit}


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = list(sys.argv[1:] if words is None else words)
    if given[:1] and given[0] in SUBCOMMANDS:
        return int(SUBCOMMANDS[given[0]].main(given[1:]))
    return run_command(parser(), deferred("loadgen.cli.measuring", compiles=True), given)
