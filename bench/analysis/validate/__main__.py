"""Show and draw a validation: ``python -m bench.analysis.validate FOLDER``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis.arguments import Parser, fail
from bench.analysis.validate import page, words
from bench.analysis.validate.load import Validation, load
from bench.stats.agreement import Verdict
from loadgen.errors import GilbenchError

STYLES = {Verdict.AGREES: "green", Verdict.DISAGREES: "bold red", Verdict.DISTURBED: "yellow"}


def main(argv: Sequence[str] | None = None) -> int:
    """Show and draw what the command line names, and return the exit status."""
    options = parser().parse_args(argv)
    try:
        validation = load(options.folder)
        drawn = page.write(validation)
    except GilbenchError as exc:
        return fail(str(exc), 2)
    except OSError as exc:
        return fail(f"cannot write to {exc.filename or options.folder}: {exc.strerror}; make room", 2)
    if options.json:
        rows = [words.to_dict(result) for result in validation.results]
        sys.stdout.write(json.dumps({"summary": words.summary(validation), "rows": rows}, indent=1) + "\n")
    else:
        _show(Console(highlight=False, soft_wrap=True), validation)
        sys.stdout.write(f"{drawn}\n")
    return words.status(validation)


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="python -m bench.analysis.validate",
        description="Show and draw a validation again from its observations.",
        examples=[("python -m bench.analysis.validate results/validate/example", "that of the example")],
        exits={0: "every row agrees", 1: "a row disagrees", 2: "nothing to show", 3: "too disturbed to say"},
    )
    made.add_argument("folder", type=Path, metavar="FOLDER", help="as results/validate/20261130T120000Z")
    made.add_argument("--json", action="store_true", help="print the rows as JSON")
    return made


def _show(console: Console, validation: Validation) -> None:
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
    for name, reason in (validation.meta.get("gaps") or {}).items():
        console.print(Text(f"not observed: {name}: {reason}"))
    console.print(Text(page.lead(validation)))


if __name__ == "__main__":
    sys.exit(main())
