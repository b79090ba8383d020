"""Check the blocks of pages: ``python -m docs.blocks [--write] PAGE ...``."""

from __future__ import annotations

import sys
from pathlib import Path

from docs.blocks.checks import Verdict, check
from docs.blocks.page import Block, Page
from loadgen.cli.command_line import Parser


def main(argv: list[str] | None = None) -> int:
    """Check or fix the pages that the command line names, and return the exit status."""
    options = parser().parse_args(argv)
    wrong = [exc for path in options.pages for exc in _check(Page(path), write=options.write)]
    sys.stdout.write("".join(f"{exc}\n" for exc in wrong))
    return 1 if wrong else 0


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="python -m docs.blocks",
        description="Run the blocks of pages and compare them with what the pages show.",
        examples=[
            ("python -m docs.blocks docs/examination.md", "say what differs"),
            ("python -m docs.blocks --write docs/examination.md", "write what was printed into the page"),
        ],
        exits={1: "a page is not as it should be"},
    )
    made.add_argument("pages", nargs="+", type=Path, metavar="PAGE", help="Markdown files")
    made.add_argument("--write", action="store_true", help="write what was printed into the page")
    return made


def _check(page: Page, *, write: bool) -> list[str]:
    """Return the problems of a page that were not fixed."""
    verdicts = [(block, check(page, block)) for block in page.blocks]
    fixed = [(block, verdict) for block, verdict in verdicts if write and verdict.fixed is not None and block.place]
    if fixed:
        page.path.write_text(_fix(page.text, fixed), encoding="utf-8")
    return [
        f"{page.path}:{block.line}: {verdict.wrong}"
        for block, verdict in verdicts
        if verdict.wrong and (block, verdict) not in fixed
    ]


def _fix(text: str, blocks: list[tuple[Block, Verdict]]) -> str:
    for block, verdict in reversed(blocks):
        assert block.place is not None  # noqa: S101 - only such blocks are passed
        text = text[: block.place.start] + (verdict.fixed or "") + text[block.place.stop :]
    return text


if __name__ == "__main__":
    sys.exit(main())
