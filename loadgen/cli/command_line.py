"""Command lines: examples below the options, one-line errors that name the remedy, one table of exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from loadgen.cli.exit_codes import DONE, EXIT_CODES, FAILED, INTERRUPTED, INVALID
from loadgen.cli.spelling import never_fail
from loadgen.errors import GilbenchError, InvalidInput
from loadgen.native.cache import note_first_start
from loadgen.nearest import nearest, unknown

WIDTH: Final = 80  # characters
_UNRECOGNIZED: Final = "unrecognized arguments: "


class Parser(argparse.ArgumentParser):
    """Parser that reports errors in one line and shows examples.

    Attributes:
        examples: complete commands that work, each with its purpose.
        tables: under each title, names to choose from and their meanings.
        exits: the exit codes of the command and their meanings.
        intermixed: whether options may stand between positional arguments, of which there may be any number.
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
        intermixed: bool = False,
    ) -> None:
        self.examples = tuple(examples)
        self.intermixed = intermixed
        self.tables = dict(tables or {})
        codes = {DONE, INVALID} | set(exits or {})
        self.exits = {code: (exits or {}).get(code) or EXIT_CODES[code] for code in sorted(codes)}
        super().__init__(
            prog=prog,
            description="\n".join(textwrap.wrap(description, WIDTH)),
            epilog="\n\n".join(self._below()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=add_help,
        )

    def error(self, message: str) -> NoReturn:
        shown = suggesting(message, self._option_string_actions)
        self.exit(INVALID, f"{self.prog}: error: {shown}; see --help\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, unknown(str(value), map(str, action.choices)))

    def _below(self) -> Iterator[str]:
        """Yield the paragraphs below the options."""
        for title, rows in self.tables.items():
            yield "\n".join([f"{title}:", *_rows(rows)])
        if self.examples:
            yield "\n".join(["examples:", *(f"  {command}\n      {what}" for command, what in self.examples)])
        shown = "; ".join(f"{code}: {what}" for code, what in self.exits.items())
        yield textwrap.fill(f"exit codes: {shown}", WIDTH, subsequent_indent="  ")


def deferred(module: str, *, compiles: bool = False) -> Callable[[argparse.Namespace], int]:
    """Return a command that imports ``module`` when it runs, and calls its ``run(options)``.

    What a command needs takes up to two seconds to import; its help needs none of it. With ``compiles``, the import
    compiles the load generator where that has not been done, and a line says so.
    """

    def run(options: argparse.Namespace) -> int:
        if compiles:
            note_first_start()
        command: Callable[[argparse.Namespace], int] = importlib.import_module(module).run
        return command(options)

    return run


def run_command(
    parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int], words: Sequence[str] | None = None
) -> int:
    """Parse a command line, run the command, and return its exit code.

    Args:
        parser: parser of the command line.
        run: the command; it returns the exit code.
        words: arguments of the command line; default: those of this process.
    """
    never_fail((sys.stdout, sys.stderr))
    intermixed = isinstance(parser, Parser) and parser.intermixed
    options = parser.parse_intermixed_args(words) if intermixed else parser.parse_args(words)
    try:
        return run(options)
    except GilbenchError as exc:
        return report_error(parser.prog, exc)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone, as with head
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED


def report_error(prog: str, error: GilbenchError) -> int:
    """Write an error as one line and return its exit code."""
    sys.stderr.write(f"{prog}: error: {' '.join(str(error).split())}\n")
    return INVALID if isinstance(error, InvalidInput) else FAILED


def suggesting(message: str, options: Iterable[str]) -> str:
    """Return argparse's message, with the options that are most similar to those it does not recognise."""
    _, found, rest = message.partition(_UNRECOGNIZED)
    words = (word.partition("=")[0] for word in rest.split() if word.startswith("-")) if found else ()
    known = list(options)
    meant = [each for word in words if (each := nearest(word, known)) is not None]
    return f"{message} (did you mean {' '.join(meant)}?)" if meant else message


def _rows(rows: Mapping[str, str]) -> Iterator[str]:
    wide = max(map(len, rows), default=0) + 4
    for name, what in rows.items():
        yield textwrap.fill(what, WIDTH, initial_indent=f"  {name}".ljust(wide), subsequent_indent=" " * wide)
