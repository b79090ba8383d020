"""Show and draw microbenchmarks: ``python -m bench.analysis.micro FOLDER``.

Exit status: 0; 2 if there is nothing to show, or it cannot be written.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis.arguments import Parser, fail
from bench.analysis.comparison import Verdict
from bench.analysis.micro import plots
from bench.analysis.micro.load import Micro, load
from bench.analysis.micro.tables import Fact, Row, Time, duration, facts, races, times
from bench.analysis.page import inline
from bench.analysis.plots.style import render, style
from loadgen.errors import GilbenchError

MARKS: Final = {Verdict.FASTER: "▲", Verdict.SLOWER: "▼", Verdict.SAME: "=", Verdict.UNDECIDED: ""}
NAMES, COLUMN = 48, 16  # characters
ADVICE: Final = (
    (
        "instance made at import, or the module itself",
        "as a rule: made once under the import system's lock, nothing to ask",
    ),
    ("double-checked locking", "where it must be made late: safe, and a hot call takes no lock"),
    ("__new__ with an RLock", "safe, but each call takes the lock, and threads queue for it"),
    ("functools.cache", "only where a second one does no harm: two threads that ask first may each get their own"),
    ("a metaclass without a lock, __new__ without a lock", "not where there are threads"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Show and draw what the command line names, and return the exit status."""
    parser = Parser(prog="python -m bench.analysis.micro", description="Show and draw microbenchmarks.")
    parser.add_argument("folder", type=Path, help="as results/micro/20261125T120000Z")
    options = parser.parse_args(argv)
    try:
        micro = load(options.folder)
        rows, counted = times(micro), list(facts(micro))
        page = _write(micro, rows, counted)
    except GilbenchError as problem:
        return fail(str(problem), 2)
    except OSError as problem:
        return fail(f"cannot write to {problem.filename or options.folder}: {problem.strerror}; make room", 2)
    console = Console(highlight=False, soft_wrap=True)
    _show(console, micro, rows, counted)
    console.print(Text(str(page)))
    return 0


def told(time: Time) -> str:
    """Write a time, and what it is against the baseline's where that is known."""
    if time.ratio is None:
        return duration(time.seconds)
    return f"{duration(time.seconds)} {time.ratio.ratio:.2f}×{MARKS[time.verdict]}"


def _write(micro: Micro, rows: Sequence[Row], counted: Sequence[Fact]) -> Path:
    pictures = []
    for name, draw in (("singletons", plots.singletons), ("threads", plots.threads)):
        with style():
            figure = draw(micro)
        if figure is not None:
            pictures.append((name, _save(micro.folder, name, *render(figure, name))))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bench.analysis.micro", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    text = environment.get_template("micro.html.j2").render(
        targets=micro.targets,
        rounds=micro.meta["rounds"],
        machine=micro.meta["machine"],
        versions={name: build["version"] for name, build in micro.meta["targets"].items()},
        groups=[(group, list(found)) for group, found in itertools.groupby(rows, lambda row: row.group)],
        races=races(micro, briefly=False),
        facts=[(group, list(found)) for group, found in itertools.groupby(counted, lambda fact: fact.group)],
        pictures=pictures,
        failed=micro.failed,
        advice=ADVICE,
        told=told,
    )
    page = micro.folder / "micro.html"
    page.write_text(text, encoding="utf-8")
    return page


def _save(folder: Path, name: str, svg: str, png: bytes) -> Markup:
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    (folder / f"{name}.png").write_bytes(png)
    return inline(svg, name)


def _show(console: Console, micro: Micro, rows: Sequence[Row], counted: Sequence[Fact]) -> None:
    """Print the tables, as many targets beside each other as there is room for."""
    room = max(1, (console.width - NAMES) // COLUMN)
    raced = races(micro, briefly=True)
    for first in range(0, len(micro.targets), room):
        here = slice(first, first + room)
        for group, found in itertools.groupby(rows, lambda row: row.group):
            _print(console, group, micro.targets[here], [(row.name, list(map(told, row.times[here]))) for row in found])
        if raced:
            title = "singletons raced for: rounds with several instances"
            _print(console, title, micro.targets[here], [(name, cells[here]) for name, cells in raced])
    if counted:
        console.print("what was counted besides is in the page", style="dim")
    for target, test in micro.failed:
        console.print(Text(f"failed under {target}: {test}", style="red"))


def _print(console: Console, title: str, targets: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), title=Text(title, "bold"))
    table.title_justify = "left"
    table.add_column("", no_wrap=True)
    for target in targets:
        table.add_column(Text(target), justify="right", no_wrap=True)
    for name, cells in rows:
        table.add_row(Text(name), *map(Text, cells))
    console.print(table)
    console.print()


if __name__ == "__main__":
    sys.exit(main())
