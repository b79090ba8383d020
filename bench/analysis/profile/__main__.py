"""Draw the profiles of a run, and its page anew: ``python -m bench.analysis.profile FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.analysis.__main__ import draw
from bench.analysis.arguments import Parser, fail
from bench.analysis.load import read_run
from bench.analysis.profile.chapter import says
from bench.analysis.profile.load import load
from loadgen.errors import GilbenchError


def main(argv: list[str] | None = None) -> int:
    """Draw what the command line names, say what the profiles show, and return the exit status."""
    options = parser().parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    try:
        profiles = load(options.folder)
        console.print()
        for profile in profiles:
            for sentence in says(profile):
                console.print(Text(sentence))
        page = draw(read_run(options.folder), quiet=True)
        console.print(f"{page}{'#profiles' if profiles else ': no cell of it was profiled'}")
    except GilbenchError as exc:
        return fail(str(exc), 1)
    except OSError as exc:
        where = exc.filename or options.folder
        return fail(f"cannot write to {where}: {exc.strerror}; make room, or copy the folder elsewhere", 1)
    return 0


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="python -m bench.analysis.profile",
        description="Draw the profiles of a run again from what was kept of them, and its page.",
        examples=[("python -m bench.analysis.profile results/example", "those of the example run")],
        exits={0: "all well", 1: "the run or its profiles cannot be read, or drawn", 2: "wrong options"},
    )
    made.add_argument("folder", type=Path, metavar="RUN", help="a run's folder, as results/latest")
    return made


if __name__ == "__main__":
    sys.exit(main())
