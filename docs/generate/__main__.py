"""Write the reference: ``python -m docs.generate [--check]``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from docs.generate.pages import every
from docs.sessions import ROOT
from loadgen.cli.command_line import Parser

FOLDER: Final = Path("docs/reference")


def main(argv: list[str] | None = None) -> int:
    """Write the pages, or report which are out of date, and return the exit status."""
    options = parser().parse_args(argv)
    os.chdir(ROOT)  # defaults are relative to it
    different = find_outdated()
    if not options.check:
        FOLDER.mkdir(exist_ok=True)
        for name, text in different.items():
            _write(FOLDER / name, text)
    for name in different:
        sys.stdout.write(f"{FOLDER / name}: {'out of date; nox -s docs writes it' if options.check else 'written'}\n")
    return 1 if different and options.check else 0


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="python -m docs.generate",
        description="Write the pages of docs/reference from the code.",
        examples=[("python -m docs.generate --check", "say which are out of date")],
        exits={1: "with --check: a page is out of date"},
    )
    made.add_argument("--check", action="store_true", help="write nothing, say what is out of date")
    return made


def find_outdated() -> dict[str, str | None]:
    """Return the current text of each page that is out of date, by name; ``None`` if the page should not exist."""
    wanted = every()
    names = {path.name for path in FOLDER.glob("*.md")} | {name for name in wanted if (FOLDER / name).exists()}
    there = {name: (FOLDER / name).read_text(encoding="utf-8") for name in names}
    return {name: wanted.get(name) for name in {**wanted, **there} if wanted.get(name) != there.get(name)}


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
