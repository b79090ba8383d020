"""``python -m bench COMMAND``: what the suite can tell without measuring. Measuring is ``pytest bench``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bench import doctor, pythons
from bench.errors import GilbenchError
from bench.live import account
from bench.live import command as watching
from bench.run_module import run_module
from loadgen.command_line import Parser


class Command(NamedTuple):
    """A row: what it is for, and what does it with the words behind its name."""

    summary: str
    main: Callable[[Sequence[str]], int]


def _ours(parser: Callable[[], Parser], main: Callable[[argparse.Namespace], int]) -> Callable[[Sequence[str]], int]:
    return lambda words: main(parser().parse_args(words))


def _other(module: str) -> Callable[[Sequence[str]], int]:
    return lambda words: run_module(module, *words)


COMMANDS: Final = {
    "pythons": Command("the interpreters found, and how each was built", _ours(pythons.parser, pythons.main)),
    "account": Command(
        "where the time of a running server goes, by its process id", _ours(account.parser, account.main)
    ),
    "watch": Command(
        "where the time of a running Python process goes, live, by thread", _ours(watching.parser, watching.main)
    ),
    "explain": Command("why a measured cell is as fast as it is, in plain words", _other("bench.analysis.explain")),
    "doctor": Command("what makes measurements noisy here, and how to fix it", _ours(doctor.parser, doctor.main)),
    "completion": Command("what makes a shell complete our commands", _other("bench.shell")),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the command line names, and return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    reader = parser()
    name = reader.parse_args(words[:1]).command
    try:
        return COMMANDS[name].main(words[1:])
    except GilbenchError as exc:
        reader.exit(1, f"{reader.prog} {name}: error: {exc}\n")


def parser() -> Parser:
    """Return what reads the name of the command."""
    made = Parser(
        prog="python -m bench",
        description="What the suite can tell without measuring; measuring is nox -s bench.",
        tables={"commands": {name: command.summary for name, command in COMMANDS.items()}},
        examples=[
            ("python -m bench pythons", "the interpreters that could be measured"),
            ("python -m bench COMMAND --help", "the options of a command"),
        ],
        exits={0: "all well", 1: "it could not be found out", 2: "wrong options"},
    )
    made.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return made


if __name__ == "__main__":
    sys.exit(main())
