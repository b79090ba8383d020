"""Make a validation the committed example: ``python -m bench.analysis.validate.example VALIDATION FOLDER``.

What was observed is kept as it is, but for where interpreters lay on the machine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from bench.analysis.arguments import Parser, fail
from bench.analysis.example import interpreters, keep, make_room
from bench.analysis.validate.load import OBSERVATIONS, load
from bench.schema.run_meta import META
from loadgen.errors import GilbenchError

OBSERVED: Final = (META, OBSERVATIONS)


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says, and return the exit status."""
    options = parser().parse_args(argv)
    try:
        validation = load(options.validation)
        make_room(validation.folder, options.folder)
        for name in OBSERVED:
            keep(validation.folder / name, options.folder / name, dict(interpreters(validation.meta)))
    except GilbenchError as exc:
        return fail(str(exc), 1)
    except OSError as exc:
        return fail(f"cannot copy {exc.filename}: {exc.strerror}; make room, or name another folder", 1)
    return 0


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(prog="python -m bench.analysis.validate.example", description="Make a validation the example.")
    made.add_argument("validation", type=Path, metavar="VALIDATION", help="the folder of the validation")
    made.add_argument("folder", type=Path, metavar="FOLDER", help="where the example is; what is there is removed")
    return made


if __name__ == "__main__":
    sys.exit(main())
