"""``gilbench doctor``: what makes measurements noisy here, and how to fix it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Final

from bench.runner.host_checks import UNKNOWN, SystemFiles, run_checks
from bench.terminal.console import Terminal
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE

_DETAILS: Final = "finding, effect, remedy"


def main(words: Sequence[str] | None = None) -> int:
    """Check this machine, show what was found, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench doctor",
        description="Show what makes measurements noisy on this machine, its effect, and how to fix it.",
        examples=[("gilbench doctor", "before a run whose results matter")],
    )
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def _run(options: argparse.Namespace) -> int:
    found = list(run_checks(SystemFiles()))
    if options.json:
        sys.stdout.write(json.dumps([one._asdict() for one in found], indent=1) + "\n")
        return DONE
    console = Terminal()
    rows = [
        (
            console.spell("!", "bold yellow") if one.costs else "?" if one.found is None else "",
            console.spell(one.check, "bold" if one.costs else ""),
            "\n".join([one.found or UNKNOWN, *((one.costs, f"→ {one.remedy}") if one.costs else ())]),
        )
        for one in found
    ]
    console.print(console.table(("", "check", _DETAILS), rows, folded=(_DETAILS,)))
    return DONE
