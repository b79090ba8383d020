"""``gilbench validate``: check measurements against known values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.cli.results_option import add_results
from loadgen.cli.command_line import Parser, deferred, run_command
from loadgen.cli.exit_codes import DISTURBED, DONE, FAILED
from loadgen.duration import duration_s

BUDGET: Final = "10m"


def main(words: Sequence[str] | None = None) -> int:
    """Run the suite, draw the results, and return the exit code."""
    return run_command(parser(), deferred("bench.cli.validate_run", compiles=True), words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench validate",
        description="Check measurements against values known by arithmetic, construction, theory, counting or a second "
        "instrument: each with its 95% interval, and whether it agrees.",
        examples=[
            ("gilbench validate", "every study, ten minutes at most"),
            ("gilbench validate --only queue --budget 1m", "studies with queue in their name"),
        ],
        exits={
            DONE: "every row agrees",
            FAILED: "a row disagrees, or a study failed",
            DISTURBED: "no row disagrees, but the machine was too disturbed, or the budget too small, to decide all",
        },
    )
    add = made.add_argument_group("what is observed").add_argument
    add("--only", default="", metavar="NAME", help="select studies and rows by name (default: all)")
    add = made.add_argument_group("how long").add_argument
    add("--budget", type=duration_s, default=duration_s(BUDGET), metavar="TIME", help=f"time limit (default: {BUDGET})")
    add = made.add_argument_group("where results go").add_argument
    add("--json", action="store_true", help="print the rows as JSON")
    add_results(add)
    return made
