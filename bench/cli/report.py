"""``gilbench report``: redraw a run from its records."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.analysis.load import read_run
from bench.cli import report_micro, report_validation
from bench.errors import ELSEWHERE, InvalidInput, writing
from bench.paths import latest
from bench.report.draw import draw
from bench.report.serve import is_drawn, serve
from bench.schema.micro_meta import MICRO_RECORDS
from bench.schema.record import RECORDS
from bench.schema.run_meta import State, read_meta
from bench.schema.validation_meta import OBSERVATIONS
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.whole_number import whole_number

PORT: Final = 8765
MAX_PORT: Final = 65535

OTHERS: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    MICRO_RECORDS: report_micro.main,
    OBSERVATIONS: report_validation.main,
}
"""Other kinds of folders that can be drawn, identified by a file in them."""


def main(words: Sequence[str] | None = None) -> int:
    """Draw what the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench report",
        description="Redraw a run from its records: page, plots and tables. Folders of microbenchmarks and validations "
        "are redrawn as well.",
        examples=[
            ("gilbench report", "the latest run"),
            ("gilbench report results/example", "the example run"),
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


def _run(options: argparse.Namespace) -> int:
    for name, report in OTHERS.items():
        if (options.folder / name).is_file():
            if options.serve:
                raise InvalidInput(
                    f"--serve works only for runs: redraw {options.folder} without it, and open its page"
                )
            return report([str(options.folder), *(["--quiet"] if options.quiet else [])])
    with writing(options.folder, ELSEWHERE):
        if options.serve:
            if options.folder.is_dir() and not is_drawn(options.folder) and not _is_running(options.folder):
                draw(read_run(options.folder), quiet=True)
            serve(options.folder, options.port)
        else:
            draw(read_run(options.folder), quiet=options.quiet)
    return DONE


def _is_running(folder: Path) -> bool:
    """Return whether a run is being measured or about to be, so that there is nothing to draw plots from."""
    return not (folder / RECORDS).is_file() or read_meta(folder).state is State.RUNNING
