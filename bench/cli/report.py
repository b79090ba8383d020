"""``gilbench report``: redraw a run from its records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.paths import latest
from loadgen.cli.command_line import Parser, deferred, run_command
from loadgen.cli.exit_codes import FAILED
from loadgen.whole_number import whole_number

PORT: Final = 8765
MAX_PORT: Final = 65535


def main(words: Sequence[str] | None = None) -> int:
    """Draw what the command line names, and return the exit code."""
    return run_command(parser(), deferred("bench.cli.report_run"), words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench report",
        description="Redraw a run from its records: page, plots and tables. Folders of microbenchmarks and validations "
        "are redrawn as well.",
        examples=[
            ("gilbench report", "the latest run"),
            ("gilbench report results/example", "the example run"),
            ("gilbench report --png", "its plots as PNG too, to paste them"),
            ("gilbench report --serve", "in a browser; follows a run that is being measured"),
        ],
        exits={FAILED: "the page cannot be written"},
    )
    made.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=latest(),
        metavar="RUN",
        help="a run's folder (default: the latest run)",
    )
    made.add_argument("-q", "--quiet", action="store_true", help="print only the path of the page")
    made.add_argument("--png", action="store_true", help="write a run's plots as PNG too, not only as SVG")
    made.add_argument(
        "--serve",
        action="store_true",
        help="serve the page to browsers on this machine; it follows a run that is being measured",
    )
    made.add_argument(
        "--port",
        type=whole_number(MAX_PORT, least=0),
        default=PORT,
        metavar="N",
        help=f"port for --serve; 0: any free port (default: {PORT})",
    )
    return made
