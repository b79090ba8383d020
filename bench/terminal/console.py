"""A command's console, adapted to the width, colours and characters that its reader can display.

Rich decides on colours and width (``NO_COLOR``, ``COLUMNS``, 80 columns in a file). This module decides which
characters are available, and whether output may be animated.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import IO, Any, Final, cast

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from bench.terminal import github
from loadgen.cli.spelling import spell

WIDTH: Final = 80
"""Width that tables are designed for; a wider terminal has more room for names."""

_GAP: Final = 2  # spaces between two columns of a table; one if room is short
_HEAD: Final = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
_FOLDED_LEAST: Final = 8  # columns
_NO_OTHERS: Final = {"C", "POSIX"}
_COERCED: Final = {"C.UTF-8", "C.utf8", "UTF-8"}


class Terminal(Console):
    """A console that knows which characters its reader can display.

    Args:
        file: the file to write to; ``None``: standard output.
        options: those of :class:`rich.console.Console`.

    Attributes:
        stream: the same file, for commands to GitHub Actions.
    """

    def __init__(self, file: IO[str] | None = None, **options: Any) -> None:
        self._ascii = says_ascii(os.environ)
        self.stream = stream = sys.stdout if file is None else file
        if not stream.isatty() and "force_interactive" not in options and "force_terminal" not in options:
            options["force_interactive"] = False  # FORCE_COLOR asks for colours in a file, not for a cursor that moves
        super().__init__(file=_inert(stream) if github.runs_in_actions() else file, highlight=False, **options)

    @property
    def encoding(self) -> str:
        """The encoding that the reader can display; Rich uses it for tables and bars."""
        return "ascii" if self._ascii else super().encoding

    def can_write(self, text: str) -> bool:
        """Tell whether the reader's encoding has all the characters of a text."""
        return spell(text, self.encoding) == text

    def spell(self, text: str, style: str = "") -> Text:
        """Return a text in available characters; call it before layout, since some replacements are longer."""
        return Text(spell(text, self.encoding), style)

    def fit(self, text: str, width: int, style: str = "") -> Text:
        """Return a text in available characters and at most ``width`` columns, without its middle if necessary."""
        return self.spell(shorten(spell(text, self.encoding), width), style)

    def table(
        self,
        titles: Sequence[str],
        rows: Iterable[Sequence[str | Text]],
        *,
        title: str = "",
        folded: Collection[str] = (),
        right: Collection[str] = (),
    ) -> Table:
        """Return a table that is at most as wide as the console, and in which nothing is cut.

        Args:
            titles: titles of the columns.
            rows: a text for each column.
            title: title of the table.
            folded: titles of the columns that wrap if room is short; the others are figures.
            right: titles of the right-aligned columns.
        """
        spell = [[self.spell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
        columns = zip(map(self.spell, titles), *spell, strict=True)
        widths = [max(line.cell_len for cell in column for line in cell.split() or [cell]) for column in columns]
        names = [place for place, name in enumerate(titles) if name in folded]
        gap = _GAP if sum(widths) + _GAP * len(titles) <= self.width else 1
        room = self.width - gap * len(titles) - sum(width for place, width in enumerate(widths) if place not in names)
        for place, width in zip(names, narrow([widths[place] for place in names], room, _FOLDED_LEAST), strict=True):
            widths[place] = width
        head = _HEAD if self.options.ascii_only else box.SIMPLE_HEAD
        table = Table(box=head, padding=(0, gap - 1, 0, 0), show_edge=False, title_justify="left")
        table.title = self.spell(title, "bold") if title else None
        for name, width in zip(titles, widths, strict=True):
            justify: JustifyMethod = "right" if name in right else "left"
            table.add_column(
                self.spell(name), justify=justify, width=width, overflow="fold", no_wrap=name not in folded
            )
        for row in spell:
            table.add_row(*row)
        return table


class _Inert:
    """A file for a log of GitHub Actions, in which no output is taken as a command."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(github.inert(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _inert(file: IO[str]) -> IO[str]:
    return cast("IO[str]", _Inert(file))


def says_ascii(environ: Mapping[str, str]) -> bool:
    """Return whether an environment asks for ASCII only, as ``LANG=C`` does.

    In such an environment CPython sets ``LC_CTYPE=C.UTF-8`` for itself and its children (PEP 538), so that value is
    ignored. An environment without any of the three variables does not ask for ASCII.
    """
    kind = environ.get("LC_CTYPE")
    said = environ.get("LC_ALL") or (kind if kind not in _COERCED else None) or environ.get("LANG")
    return said in _NO_OTHERS


def shorten(name: str, width: int) -> str:
    """Return a name in at most ``width`` characters, without its middle, as names differ at their ends."""
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}…{name[head + 1 - width :]}" if width > 2 else name[:width]


def narrow(widths: Sequence[int], room: int, least: int = 1) -> list[int]:
    """Return widths that together fit into ``room`` columns: the widest shrink first, none below ``least``."""
    narrow = list(widths)
    while sum(narrow) > room and max(narrow, default=0) > least:
        narrow[narrow.index(max(narrow))] -= 1
    return narrow
