"""Make a validation the committed example: ``python -m docs.example_validation VALIDATION FOLDER``.

Observations are copied unchanged, except that the paths of the interpreters are replaced.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.analysis.validation import load_validation
from bench.schema.run_meta import META
from bench.schema.validation_meta import OBSERVATIONS
from docs.example import interpreters, keep, make_room
from loadgen.cli.command_line import Parser, run_command
from loadgen.errors import GilbenchError

OBSERVED: Final = (META, OBSERVATIONS)


def main(words: Sequence[str] | None = None) -> int:
    """Copy the validation that the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(prog="python -m docs.example_validation", description="Make a validation the example.")
    made.add_argument("validation", type=Path, metavar="VALIDATION", help="the folder of the validation")
    made.add_argument("folder", type=Path, metavar="FOLDER", help="where the example is; what is there is removed")
    return made


def _run(options: argparse.Namespace) -> int:
    try:
        validation = load_validation(options.validation)
        make_room(validation.folder, options.folder)
        paths = dict(interpreters(msgspec.to_builtins(validation.meta)))
        for name in OBSERVED:
            keep(validation.folder / name, options.folder / name, paths)
    except OSError as exc:
        raise GilbenchError(f"cannot copy {exc.filename}: {exc.strerror}; make room, or name another folder") from exc
    return 0


if __name__ == "__main__":
    sys.exit(main())
