"""``gilbench report`` of a folder of microbenchmarks."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from bench.analysis.micro import Micro, load_micro
from bench.errors import writing
from bench.report.micro.chapter import page, write_time
from bench.report.micro.tables import Row, races, times
from bench.terminal.console import Terminal
from loadgen.cli.command_line import Parser, run_command

NAMES, COLUMN = 48, 16  # characters


def main(words: Sequence[str] | None = None) -> int:
    """Draw what the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench report",
        description="Show and redraw microbenchmarks from their records.",
        examples=[("gilbench report results/example/micro", "the microbenchmarks of the example run")],
    )
    made.add_argument("folder", type=Path, metavar="FOLDER", help="for example results/micro/20261125T120000Z")
    made.add_argument("-q", "--quiet", action="store_true", help="print only the path of the page")
    return made


def _run(options: argparse.Namespace) -> int:
    with writing(options.folder, "make room"):
        micro = load_micro(options.folder)
        drawn = page(micro)
    console = Terminal(soft_wrap=True)
    if not options.quiet:
        _show(console, micro, times(micro))
    console.print(Text(str(drawn)))
    return 0


def _show(console: Terminal, micro: Micro, rows: Sequence[Row]) -> None:
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
            title = "singleton races: rounds with several instances"
            _print(console, title, micro.interpreters[here], [(name, cells[here]) for name, cells in raced])
    console.print("other counts are on the page", style="dim")
    for interpreter, test in micro.failed:
        console.print(Text(f"failed under {interpreter}: {test}", style="red"))


def _print(
    console: Terminal, title: str, interpreters: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]
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
