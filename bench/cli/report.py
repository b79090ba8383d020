"""``gilbench report``: draw a run again from its records."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.analysis.load import read_run
from bench.cli import report_micro, report_validation
from bench.errors import ELSEWHERE, GilbenchError, writing
from bench.paths import latest
from bench.report.draw import draw
from bench.report.serve import is_drawn, serve
from bench.schema.micro_meta import MICRO_RECORDS
from bench.schema.record import RECORDS
from bench.schema.run_meta import State
from bench.schema.validation_meta import OBSERVATIONS
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED

PORT: Final = 8765
MAX_PORT: Final = 65535

OTHERS: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    MICRO_RECORDS: report_micro.main,
    OBSERVATIONS: report_validation.main,
}
"""Other folders that can be drawn, by a file in them."""


def main(words: Sequence[str] | None = None) -> int:
    """Draw what the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench report",
        description="Draw a run again from its records: its page, plots and tables. Folders of microbenchmarks and "
        "validations are drawn too.",
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
    made.add_argument("-q", "--quiet", action="store_true", help="print the path of the page and nothing else")
    made.add_argument(
        "--serve",
        action="store_true",
        help="serve the page to browsers on this machine; that of a run that is being measured follows it",
    )
    made.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help=f"for --serve; 0: any that is free (default: {PORT})"
    )
    return made


def _run(options: argparse.Namespace) -> int:
    for name, report in OTHERS.items():
        if (options.folder / name).is_file():
            return report([str(options.folder)])
    with writing(options.folder, ELSEWHERE):
        if options.serve:
            if options.folder.is_dir() and not is_drawn(options.folder) and not _is_running(options.folder):
                draw(read_run(options.folder), quiet=True)
            serve(options.folder, options.port)
        else:
            draw(read_run(options.folder), quiet=options.quiet)
    return DONE


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {MAX_PORT}")
    return int(text)


def _is_running(folder: Path) -> bool:
    """Tell whether a run is being measured, or about to be: then there is nothing to draw plots from."""
    try:
        return read_run(folder).meta.state is State.RUNNING
    except GilbenchError:
        return not (folder / RECORDS).is_file()
