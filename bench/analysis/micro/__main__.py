"""Show and draw microbenchmarks: ``python -m bench.analysis.micro FOLDER``."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis.arguments import Parser, fail
from bench.analysis.micro.chapter import page, write_time
from bench.analysis.micro.load import Micro, load
from bench.analysis.micro.tables import Row, races, times
from loadgen.errors import GilbenchError

NAMES, COLUMN = 48, 16  # characters


def main(argv: Sequence[str] | None = None) -> int:
    """Show and draw what the command line names, and return the exit status."""
    options = parser().parse_args(argv)
    try:
        micro = load(options.folder)
        drawn = page(micro)
    except GilbenchError as exc:
        return fail(str(exc), 2)
    except OSError as exc:
        return fail(f"cannot write to {exc.filename or options.folder}: {exc.strerror}; make room", 2)
    console = Console(highlight=False, soft_wrap=True)
    _show(console, micro, times(micro))
    console.print(Text(str(drawn)))
    return 0


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="python -m bench.analysis.micro",
        description="Show and draw microbenchmarks again from their records.",
        examples=[("python -m bench.analysis.micro results/example/micro", "those of the example run")],
        exits={0: "all well", 2: "wrong options, nothing to show, or it cannot be written"},
    )
    made.add_argument("folder", type=Path, metavar="FOLDER", help="as results/micro/20261125T120000Z")
    return made


def _show(console: Console, micro: Micro, rows: Sequence[Row]) -> None:
    """Print the tables, as many interpreters next to each other as there is room for."""
    room = max(1, (console.width - NAMES) // COLUMN)
    raced = races(micro, briefly=True)
    for first in range(0, len(micro.interpreters), room):
        here = slice(first, first + room)
        for group, found in itertools.groupby(rows, lambda row: row.group):
            _print(
                console,
                group,
                micro.interpreters[here],
                [(row.name, list(map(write_time, row.times[here]))) for row in found],
            )
        if raced:
            title = "singletons raced for: rounds with several instances"
            _print(console, title, micro.interpreters[here], [(name, cells[here]) for name, cells in raced])
    console.print("what was counted besides is in the page", style="dim")
    for interpreter, test in micro.failed:
        console.print(Text(f"failed under {interpreter}: {test}", style="red"))


def _print(
    console: Console, title: str, interpreters: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]
) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), title=Text(title, "bold"))
    table.title_justify = "left"
    table.add_column("", no_wrap=True)
    for interpreter in interpreters:
        table.add_column(Text(interpreter), justify="right", no_wrap=True)
    for name, cells in rows:
        table.add_row(Text(name), *map(Text, cells))
    console.print(table)
    console.print()


if __name__ == "__main__":
    sys.exit(main())
