"""The blocks of a page, found by Sybil, which handles fences in lists, in quotes and within each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sybil.document import Document
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer
from sybil.region import Region

_FENCES: Final = RawFencedCodeBlockLexer(re.compile(r"[ \t]*(?P<language>[\w+-]*)[ \t]*(?P<mark>[^\n]*)$\n", re.M))


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        line: line number of the fence, from 1.
        language: the first word after the fence, or "".
        mark: the other words after the fence.
        source: the content.
        place: slice of the page's text that holds the source; ``None`` if the text differs from it, as in a quote.
    """

    line: int
    language: str
    mark: str
    source: str
    place: slice | None


@dataclass
class Page:
    """A Markdown file.

    Attributes:
        path: path of the file.
        namespace: namespace in which its Python code is run.
    """

    path: Path
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        document = Document.parse(str(self.path), _outermost)
        return [
            Block(
                example.line,
                example.region.lexemes["language"],
                example.region.lexemes["mark"].strip(),
                str(example.region.lexemes["source"]),
                self._place(example.region),
            )
            for example in document
        ]

    @property
    def files(self) -> dict[str, str]:
        """Return the contents of the files that the reader creates, by path."""
        return {block.mark: block.source for block in self.blocks if block.language == "python" and block.mark}

    @property
    def changes(self) -> dict[str, list[tuple[str, str]]]:
        """Return the changes to the project's files, by path: pairs of old and new text."""
        found: dict[str, list[tuple[str, str]]] = {}
        for block in self.blocks:
            if block.language == "diff":
                lines = block.source.splitlines(keepends=True)
                before, after = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
                found.setdefault(block.mark, []).append((before, after))
        return found

    def _place(self, region: Region) -> slice | None:
        lexeme = region.lexemes["source"]
        begin = region.start + lexeme.offset
        place = slice(begin, begin + len(lexeme))
        return place if self.text[place] == str(lexeme) else None


def _outermost(document: Document) -> Iterator[Region]:
    """Yield the blocks that are not within another block."""
    end = 0
    for region in sorted(_FENCES(document), key=lambda region: region.start):
        if region.start >= end:
            end = region.end
            yield region
