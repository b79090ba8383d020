"""Codes: of warnings, and those that commands end with."""

from __future__ import annotations

from collections.abc import Iterator

from bench.schema.warning_codes import RUN_WARNINGS, WINDOW_WARNINGS
from bench.shell.commands import COMMANDS
from docs.generate.markdown import code, page, table
from loadgen.warning_codes import WARNING_CODES

_ALWAYS = {0: "all well", 2: "wrong options"}


def warnings() -> str:
    """Return the page of warning codes."""
    titles = ("code", "when", "what to do")
    return page(
        "Warnings",
        "What speaks against a figure. Each has a code, which stays, and the figures behind it; the page, the terminal "
        "and `python -m bench explain` show it where it matters, and `--strict` of the load generator makes it a "
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


def exits() -> str:
    """Return the page of exit codes."""
    return page(
        "Exit codes",
        "What a command ends with: 0, all well; 2, the options are wrong, which one line on standard error says, with "
        "what would do. Through nox a failure is nox's own 1, whatever the command's: where the number matters, call "
        "the command itself, as [in CI](../how-to/gate-in-ci.md).",
        table(("command", "exit code", "when"), _exits()),
    )


def _exits() -> Iterator[tuple[str, str, str]]:
    for name, parser in COMMANDS.items():
        for number, (status, when) in enumerate(sorted((_ALWAYS | dict(getattr(parser(), "exits", {}))).items())):
            yield code(name.removesuffix(" --")) if not number else "", str(status), when
