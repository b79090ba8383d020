"""``python -m bench pythons``: which interpreters were found, and how each was built."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.errors import GilbenchError
from bench.targets import AUTO, Target, discover, resolve

_KNOWN = {True: "yes", False: "no", None: "unknown"}
_JIT = {"unavailable": "–"}


def main(options: argparse.Namespace) -> int:
    """Show them, and return the exit status."""
    found = discover()
    chosen = resolve(options.pythons, found) if options.pythons else found
    if options.json:
        sys.stdout.write(json.dumps({one.name: one.build for one in chosen}, indent=1) + "\n")
    else:
        console = Console(highlight=False)
        console.print(_table(chosen), _programs(chosen), sep="\n\n", end="\n\n")
        _say_auto(found)
    return 0


def _table(targets: list[Target]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("name", "version", "built", "compiler", "PGO", "LTO", "GIL", "JIT"):
        table.add_column(title, no_wrap=True)
    for one in targets:
        table.add_row(one.name, *_row(one.build))
    return table


def _programs(targets: list[Target]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for one in targets:
        table.add_row(one.name, Text(str(one.executable), overflow="fold"))
    return table


def _row(build: dict[str, Any]) -> list[str]:
    month, day, year = build["built"].split()[1:4]
    gil = "on" if build["gil_enabled"] else "off"
    return [
        f"{build['version']}{'t' if build['freethreaded'] else ''}{' debug' if build['debug'] else ''}",
        f"{day} {month} {year}",
        build["compiler"],
        _KNOWN[build["pgo"]],
        _KNOWN[build["lto"]],
        gil,
        _JIT.get(build["jit"], build["jit"]),
    ]


def _say_auto(found: list[Target]) -> None:
    try:
        names = ", ".join(one.name for one in resolve(AUTO, found))
    except GilbenchError as problem:
        names = str(problem)
    sys.stdout.write(f"--pythons auto measures: {names}\n")
