"""``gilbench report`` of a validation."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from bench.analysis.validation import Validation, load_validation
from bench.errors import writing
from bench.narrative import validation as words
from bench.report.validation import page
from bench.stats.agreement import Verdict
from bench.terminal.console import Terminal
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DISTURBED, FAILED

STYLES = {Verdict.AGREES: "green", Verdict.DISAGREES: "bold red", Verdict.DISTURBED: "yellow"}


def main(words: Sequence[str] | None = None) -> int:
    """Draw what the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench report",
        description="Show and redraw a validation from its observations.",
        examples=[("gilbench report results/validate/example", "the example validation")],
        exits={FAILED: "a row disagrees", DISTURBED: "too disturbed to decide"},
    )
    made.add_argument("folder", type=Path, metavar="FOLDER", help="for example results/validate/20261130T120000Z")
    made.add_argument("--json", action="store_true", help="print the rows as JSON")
    made.add_argument("-q", "--quiet", action="store_true", help="print only the path of the page")
    return made


def _run(options: argparse.Namespace) -> int:
    with writing(options.folder, "make room"):
        validation = load_validation(options.folder)
        drawn = page.write(validation)
    if options.json:
        rows = [words.to_dict(result) for result in validation.results]
        sys.stdout.write(json.dumps({"summary": words.summary(validation), "rows": rows}, indent=1) + "\n")
    else:
        if not options.quiet:
            _show(Terminal(soft_wrap=True), validation)
        sys.stdout.write(f"{drawn}\n")
    return words.status(validation)


def _show(console: Terminal, validation: Validation) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("row", min_width=24)
    for title in ("known", "estimate (95%)", "±", "n"):
        table.add_column(title, justify="right", min_width=len(title))
    table.add_column("verdict", min_width=9)
    for result in validation.results:
        _, _, known, estimate, bound, count, verdict = words.cells(result)
        figures = (known, estimate, bound.removeprefix("±").removesuffix(f" {result.unit}"), count.partition(" ")[0])
        table.add_row(Text(result.name), *map(Text, figures), Text(verdict, STYLES[result.verdict]))
    console.print(table)
    for result in validation.results:
        if result.verdict is not Verdict.AGREES and (reason := words.why(result)):
            console.print(Text(f"{result.name}: {reason}"))
    for name, reason in validation.meta.gaps.items():
        console.print(Text(f"not observed: {name}: {reason}"))
    console.print(Text(page.lead(validation)))


if __name__ == "__main__":
    sys.exit(main())
