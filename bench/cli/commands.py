"""The one table of commands, and ``gilbench`` itself."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Final, NamedTuple

from bench import VERSION
from loadgen.cli.command_line import Parser
from loadgen.cli.exit_codes import INVALID

PROGRAM: Final = "gilbench"


class Command(NamedTuple):
    """A command.

    Attributes:
        summary: one-line help.
        module: module with ``parser()``, and ``main(words)`` that returns the exit code.
        extras: extras of the package that the command needs.
    """

    summary: str
    module: str
    extras: tuple[str, ...] = ()

    def load(self) -> ModuleType:
        """Import its module."""
        return importlib.import_module(self.module)


COMMANDS: Final = {
    "bench": Command("measure servers under several CPython builds and draw the results", "bench.cli.bench"),
    "report": Command("redraw a run, by default the latest", "bench.cli.report"),
    "compare": Command("compare two interpreters of a run, or two runs", "bench.cli.compare"),
    "history": Command("plot each cell over all runs and versions", "bench.cli.history", ("history",)),
    "explain": Command("explain why a measured cell is as fast as it is", "bench.cli.explain"),
    "export": Command("write runs as Parquet, CSV or JSON lines", "bench.cli.export", ("export",)),
    "micro": Command("run microbenchmarks: starts, hand-offs, locks, singletons", "bench.cli.micro"),
    "profile": Command("show which lines hold the GIL, when, and which threads wait", "bench.cli.profile"),
    "watch": Command("show where the time of a running Python process goes, live, by thread", "bench.cli.watch"),
    "account": Command("show where the time of a running server goes", "bench.cli.account"),
    "load": Command("put load on a TCP or HTTP server", "loadgen.cli.main"),
    "talk": Command("talk to a server by hand", "loadgen.cli.talk"),
    "validate": Command("check measurements against known values", "bench.cli.validate"),
    "peers": Command("compare the load generator with wrk, Locust and others", "loadgen.peers.command", ("peers",)),
    "pythons": Command("list the interpreters found, and how each was built", "bench.cli.pythons"),
    "doctor": Command("find what makes measurements noisy here, and how to fix it", "bench.cli.doctor"),
    "python": Command("run Python with gilbench's modules importable", "bench.cli.python"),
    "completion": Command("print a shell completion script", "bench.cli.completion.command"),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that the command line names, and return its exit code."""
    given = list(sys.argv[1:] if words is None else words)
    name = parser().parse_args(given[:1]).command
    command = COMMANDS[name]
    try:
        run: Callable[[Sequence[str]], int] = command.load().main
    except ModuleNotFoundError as exc:
        if not command.extras or (exc.name or "").partition(".")[0] in {"bench", "loadgen", "servers"}:
            raise
        return _missing(name, command, exc)
    return run(given[1:])


def parser() -> Parser:
    """Return the parser of the command's name."""
    made = Parser(
        prog=PROGRAM,
        description="Measure what threads, coroutines, processes, subinterpreters and free-threaded builds gain on "
        "this machine.",
        tables={"commands": {name: command.summary for name, command in COMMANDS.items()}},
        examples=[
            ("gilbench bench", "measure this machine in three minutes"),
            ("gilbench COMMAND --help", "the options of a command"),
        ],
    )
    made.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="command to run, see below")
    made.add_argument("--version", action="version", version=f"{PROGRAM} {VERSION}")
    return made


def _missing(name: str, command: Command, exc: ModuleNotFoundError) -> int:
    extras = ",".join(command.extras)
    sys.stderr.write(f"{PROGRAM} {name}: error: {exc.name} is not installed: install gilbench[{extras}]\n")
    return INVALID
