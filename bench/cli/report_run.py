"""Redraw a run from its records, or serve its page."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Final

from bench.analysis.load import read_run
from bench.errors import ELSEWHERE, InvalidInput, writing
from bench.report.draw import draw
from bench.report.serve import is_drawn, serve
from bench.schema.micro_meta import MICRO_RECORDS
from bench.schema.record import RECORDS
from bench.schema.run_meta import State, read_meta
from bench.schema.validation_meta import OBSERVATIONS
from loadgen.cli.exit_codes import DONE

OTHERS: Final = {MICRO_RECORDS: "bench.cli.report_micro", OBSERVATIONS: "bench.cli.report_validation"}
"""Modules that draw other kinds of folders, by a file in them; imported when needed, since that takes a second."""


def run(options: argparse.Namespace) -> int:
    """Run the command, and return its exit code."""
    for name, module in OTHERS.items():
        if (options.folder / name).is_file():
            if options.serve:
                raise InvalidInput(
                    f"--serve works only for runs: redraw {options.folder} without it, and open its page"
                )
            words = [str(options.folder), *(["--quiet"] if options.quiet else [])]
            return int(importlib.import_module(module).main(words))
    with writing(options.folder, ELSEWHERE):
        if options.serve:
            if options.folder.is_dir() and not is_drawn(options.folder) and not _is_running(options.folder):
                draw(read_run(options.folder), quiet=True)
            serve(options.folder, options.port)
        else:
            draw(read_run(options.folder), quiet=options.quiet, png=options.png)
    return DONE


def _is_running(folder: Path) -> bool:
    """Return whether a run is being measured or about to be, so that there is nothing to draw plots from."""
    return not (folder / RECORDS).is_file() or read_meta(folder).state is State.RUNNING
