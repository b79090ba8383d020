"""The completion script of a shell, generated from the parsers of the commands."""

from __future__ import annotations

import argparse
import functools
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from bench.cli import commands
from bench.cli.commands import COMMANDS, PROGRAM
from bench.cli.completion.shells import SHELLS
from bench.interpreters import variants
from bench.paths import ROOT
from bench.planning import options, readers
from loadgen.cli.exit_codes import DONE
from loadgen.peers.command import SERVERS
from loadgen.peers.tools import TOOLS
from servers import __main__ as servers
from servers.deployed import EVERY
from servers.workloads import WORKLOADS

LISTS: Final = {"LIST", "A,B"}
"""Metavars of options that take several names separated by commas."""

SERVERS_COMMAND: Final = "python -m servers"
"""Started by hand under any CPython, so not in the table of commands."""

_FILES: Final = {"FILE", "FOLDER", "RUN"}
_LIVE: Final = {"--pythons": "pythons", "--variants": "pythons", "--python": "pythons", "--cell": "cells"}
_ALONE: Final = {"CELL": "cells", "LIST": "pythons", "RUN": "file", "FOLDER": "file"}
_NAMES: Final[Mapping[str, Iterable[str]]] = {
    "--server": EVERY,
    "--servers": (options.ALL, *EVERY),
    "--workload": WORKLOADS,
    "--workloads": (options.ALL, *WORKLOADS),
    "--objective": readers.OBJECTIVES,
    "--requests-per-connection": ("10", "keep-alive"),
}
_OF_PEERS: Final[Mapping[str, Iterable[str]]] = {"--servers": SERVERS, "--tools": TOOLS}


def run(options: argparse.Namespace) -> int:
    """Print the script, and return the exit code."""
    sys.stdout.write(script(options.shell))
    return DONE


def script(shell: str) -> str:
    """Return the script for one of :data:`~bench.cli.completion.shells.SHELLS`."""
    parsers = all_parsers()
    filled = {
        "@ROOT@": shlex.quote(str(ROOT)),
        "@PYTHON@": shlex.quote(sys.executable),
        "@SESSIONS@": " ".join(COMMANDS),
        "@VARIANTS@": " ".join(row.partition("=")[0] + "=" * ("=" in row) for row in variants.summaries()),
        "@OPTIONS@": "\n".join(_row(command, " ".join(_options(parser))) for command, parser in parsers.items()),
        "@TAKES@": "\n".join(
            _row(f"{command} {option}", takes)
            for command, parser in parsers.items()
            for option, takes in _takes(command, parser)
        ),
    }
    text = "".join(path.read_text(encoding="utf-8") for path in SHELLS[shell])
    for place, what in filled.items():
        text = text.replace(place, what)
    return text


@functools.cache
def all_parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, by its command line."""
    ours = {f"{PROGRAM} {name}": command.load().parser() for name, command in COMMANDS.items()}
    return {PROGRAM: commands.parser(), **ours, SERVERS_COMMAND: servers.parser()}


def _row(case: str, what: str) -> str:
    return f"    {shlex.quote(case)}) echo {shlex.quote(what)} ;;"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))


def _takes(command: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield each option with the kind of its values; positional arguments have an empty option."""
    for action in parser._actions:
        for option in action.option_strings or [""]:
            takes = _what(command, option, action)
            if takes:
                yield option, takes


def _what(command: str, option: str, action: argparse.Action) -> str:
    if not option:
        return _names(action.choices, action) if action.choices else _ALONE.get(str(action.metavar), "")
    if action.nargs == 0:
        return "flag"
    if option in _LIVE:
        return _LIVE[option]
    of_command = _OF_PEERS if command == f"{PROGRAM} peers" else _NAMES
    known = action.choices or of_command.get(option)
    return _names(known, action) if known else "file" if action.metavar in _FILES else "other"


def _names(known: Iterable[str], action: argparse.Action) -> str:
    return f"{'list' if action.metavar in LISTS else 'one'} {' '.join(map(str, known))}"
