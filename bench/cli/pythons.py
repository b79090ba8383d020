"""``gilbench pythons``: list the interpreters found, and how each was built."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from bench.errors import GilbenchError
from bench.interpreters.discovery import discover
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import AUTO, resolve
from bench.schema.build import Build
from bench.terminal.console import Terminal
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE

_KNOWN = {True: "yes", False: "no", None: "unknown"}
_JIT = {"unavailable": "–"}


def main(words: Sequence[str] | None = None) -> int:
    """Show the interpreters found, and return the exit code."""
    return run_command(parser(), _run, words)


def _run(options: argparse.Namespace) -> int:
    found = discover()
    chosen = resolve(options.pythons, lambda: found) if options.pythons else found
    if options.names:
        sys.stdout.writelines(f"{one.name}\n" for one in chosen)
    elif options.json:
        sys.stdout.write(json.dumps({one.name: asdict(one.build) for one in chosen}, indent=1) + "\n")
    else:
        console = Terminal()
        console.print(_table(console, chosen), "", _programs(console, chosen), "", sep="\n")
        console.print(console.spell(f"--pythons auto measures: {_auto(found)}"))
    return DONE


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench pythons",
        description="Show the interpreters found, how each was built, and what --pythons auto would measure.",
        examples=[
            ("gilbench pythons", "all interpreters found"),
            ("gilbench pythons 3.13,3.13t --json", "everything recorded about these"),
        ],
    )
    made.add_argument("pythons", nargs="?", metavar="LIST", help="only these: 3.13,3.13t,/path/to/python, or auto")
    shown = made.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print JSON, with everything recorded about them")
    shown.add_argument("--names", action="store_true", help="print only the names, one per line")
    return made


def _table(console: Terminal, interpreters: list[Interpreter]) -> Table:
    titles = ("name", "version", "built", "compiler", "PGO", "LTO", "GIL", "JIT")
    return console.table(titles, [(one.name, *_row(one.build)) for one in interpreters], folded=("name", "compiler"))


def _programs(console: Terminal, interpreters: list[Interpreter]) -> Table:
    rows = [(one.name, str(one.program)) for one in interpreters]
    return console.table(("name", "program"), rows, folded=("name", "program"))


def _row(build: Build) -> list[str]:
    month, day, year = (build.built or "").split()[1:4]
    gil = "on" if build.gil_enabled else "off"
    return [
        f"{build.version}{'t' if build.freethreaded else ''}{' debug' if build.debug else ''}",
        f"{day} {month} {year}",
        build.compiler or "unknown",
        _KNOWN[build.pgo],
        _KNOWN[build.lto],
        gil,
        _JIT.get(build.jit, build.jit),
    ]


def _auto(found: list[Interpreter]) -> str:
    try:
        return ", ".join(one.name for one in resolve(AUTO, lambda: found))
    except GilbenchError as exc:
        return str(exc)
