"""Pages of codes and terms: warning codes, exit codes, and the glossary."""

from __future__ import annotations

from collections.abc import Iterator

from bench.cli.completion.script import all_parsers
from bench.narrative.glossary import GLOSSARY
from bench.schema.warning_codes import RUN_WARNINGS, WINDOW_WARNINGS
from docs.generate.markdown import code, page, table
from loadgen.cli.exit_codes import DONE, EXIT_CODES, INVALID
from loadgen.validation.warning_codes import WARNING_CODES

_ALWAYS = {DONE: EXIT_CODES[DONE], INVALID: EXIT_CODES[INVALID]}


def warnings() -> str:
    """Return the page of warning codes."""
    titles = ("code", "when", "what to do")
    return page(
        "Warnings",
        "Each has a code, which stays, and the figures behind it; the page, the terminal "
        "and `gilbench explain` show it where it matters, and `--strict` of the load generator makes it a "
        "failure. [How windows are checked](../method.md#checks-on-every-window).",
        "## Of a window",
        "In `warnings` of its [record](record.md).",
        table(titles, [(code(name), row.condition, row.remedy) for name, row in WINDOW_WARNINGS.items()]),
        "## Of a run",
        "Found when it is drawn.",
        table(titles, [(code(name), row.condition, row.remedy) for name, row in RUN_WARNINGS.items()]),
        "## Of the load generator by itself",
        "In `warnings` of its `--json`.",
        table(titles, [(code(name), row.condition, row.remedy) for name, row in WARNING_CODES.items()]),
    )


def glossary() -> str:
    """Return the page of terms."""
    return page(
        "Glossary",
        "The terms of the commands, the page of a run and this documentation; the page shows each definition where the "
        "term stands.",
        table(("term", "what it means"), [(f"**{term}**", meaning) for term, meaning in GLOSSARY.items()]),
    )


def exits() -> str:
    """Return the page of exit codes."""
    return page(
        "Exit codes",
        "One table, which every command keeps. An error is one line on standard error that names the remedy. Through "
        "nox a failure is nox's own 1, whatever the command's: where the number matters, call `gilbench` itself.",
        table(("exit code", "meaning"), [(str(number), meaning) for number, meaning in EXIT_CODES.items()]),
        "## What they mean for each command",
        table(("command", "exit code", "when"), _exits()),
    )


def _exits() -> Iterator[tuple[str, str, str]]:
    for name, parser in all_parsers().items():
        for number, (status, when) in enumerate(sorted((_ALWAYS | dict(getattr(parser, "exits", {}))).items())):
            yield code(name) if not number else "", str(status), when
