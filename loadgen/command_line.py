"""A command line as all of ours are: examples under its options, and errors of one line that name what was meant."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from loadgen.nearest import nearest, unknown

WIDTH: Final = 80  # characters
_UNRECOGNIZED: Final = "unrecognized arguments: "


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and shows examples.

    Attributes:
        examples: whole commands that work, each with what it is for.
        tables: under a title, names to choose from and what each means.
        exits: what each exit status means; empty: nothing but 0 for all well, 2 for wrong options.
    """

    def __init__(
        self,
        prog: str,
        description: str,
        *,
        examples: Sequence[tuple[str, str]] = (),
        tables: Mapping[str, Mapping[str, str]] | None = None,
        exits: Mapping[int, str] | None = None,
        add_help: bool = True,
    ) -> None:
        self.examples = tuple(examples)
        self.tables = dict(tables or {})
        self.exits = dict(exits or {})
        super().__init__(
            prog=prog,
            description="\n".join(textwrap.wrap(description, WIDTH)),
            epilog="\n\n".join(self._below()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=add_help,
        )

    def error(self, message: str) -> NoReturn:
        shown = suggesting(message, self._option_string_actions)
        self.exit(2, f"{self.prog.removesuffix(' --')}: error: {shown}; see --help\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, unknown(str(value), map(str, action.choices)))

    def _below(self) -> Iterator[str]:
        """Yield the paragraphs below the options."""
        for title, rows in self.tables.items():
            yield "\n".join([f"{title}:", *_rows(rows)])
        if self.examples:
            yield "\n".join(["examples:", *(f"  {command}\n      {what}" for command, what in self.examples)])
        if self.exits:
            shown = "; ".join(f"{status}: {what}" for status, what in self.exits.items())
            yield textwrap.fill(f"exit status: {shown}", WIDTH, subsequent_indent="  ")


def suggesting(message: str, options: Iterable[str]) -> str:
    """Return what argparse says, with the options that are most like those that it does not recognise."""
    _, found, rest = message.partition(_UNRECOGNIZED)
    words = (word.partition("=")[0] for word in rest.split() if word.startswith("-")) if found else ()
    known = list(options)
    meant = [each for word in words if (each := nearest(word, known)) is not None]
    return f"{message} (did you mean {' '.join(meant)}?)" if meant else message


def _rows(rows: Mapping[str, str]) -> Iterator[str]:
    wide = max(map(len, rows), default=0) + 4
    for name, what in rows.items():
        yield textwrap.fill(what, WIDTH, initial_indent=f"  {name}".ljust(wide), subsequent_indent=" " * wide)
