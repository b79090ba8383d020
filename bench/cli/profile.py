"""``gilbench profile``: which lines hold the GIL, when, and which threads wait."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from bench.profile.profilers import AUTO, PROFILERS
from bench.profile.profilers.profiler import RATE_HZ
from bench.profile.request import add_options
from loadgen.cli.command_line import Parser, deferred, run_command
from loadgen.cli.exit_codes import FAILED
from loadgen.whole_number import whole_number

MAX_RATE_HZ: Final = 10_000


def main(words: Sequence[str] | None = None) -> int:
    """Profile what the command line names, draw it, and return the exit code."""
    typed = list(sys.argv[1:] if words is None else words)
    made = parser()
    made.set_defaults(typed=typed)
    return run_command(made, deferred("bench.cli.profile_run", compiles=True), typed)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench profile",
        description="Show why a cell is as fast as it is: which lines hold the GIL, when, and which threads wait. The "
        "cell is measured again, with and without profiling, so that the overhead is known.",
        examples=[
            ("gilbench profile --server threaded --workload cpu --python 3.13,3.13t", "a cell under two interpreters"),
            ("gilbench profile --from results/latest --slowest", "the cell of a run that is furthest behind"),
            (
                "gilbench profile --workload ./shop.py:price --request item-7 --server thread-pool --clients 8",
                "your own handler",
            ),
        ],
        exits={FAILED: "the cell could not be profiled"},
    )
    add_options(made)
    add = made.add_argument_group("profiling").add_argument
    add(
        "--profiler",
        choices=[AUTO, *PROFILERS],
        default=AUTO,
        help="profiler for stacks; auto (default): the first of these that works here for the interpreter",
    )
    add("--native", action="store_true", help="include frames of C code; py-spy then pauses the server")
    add("--memory", action="store_true", help="also show which lines hold memory, with tracemalloc")
    add(
        "--rate",
        type=whole_number(MAX_RATE_HZ),
        default=RATE_HZ,
        metavar="N",
        help=f"stack samples per second (default: {RATE_HZ})",
    )
    return made
