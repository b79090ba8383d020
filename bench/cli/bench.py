"""``gilbench bench``: measure, and draw the results. pytest collects the cells, so its options work."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import pytest

from bench.adapter import NARROW, NO_TABLE
from bench.paths import ROOT
from bench.planning import options
from loadgen.cli.command_line import Parser, report_error
from loadgen.cli.exit_codes import DONE, FAILED, INTERRUPTED, INVALID
from loadgen.errors import InvalidInput
from loadgen.native.cache import note_first_start

EXITS: Final = {
    pytest.ExitCode.OK: DONE,
    pytest.ExitCode.TESTS_FAILED: FAILED,
    pytest.ExitCode.INTERRUPTED: INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR: FAILED,
    pytest.ExitCode.USAGE_ERROR: INVALID,
}
"""pytest's exit codes, mapped to those of every command."""

CONFIGURATION: Final = ROOT / "bench" / "adapter" / "pytest.ini"
_PYTEST_BENCHMARK: Final = "--benchmark-"


def main(words: Sequence[str] | None = None) -> int:
    """Measure what the command line names, draw it, and return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    made = parser()
    _, rest = made.parse_known_args(given)
    unknown = [word for word in rest if word.startswith("-") and not word.startswith(_PYTEST_BENCHMARK)]
    if unknown:
        made.error(f"unrecognized arguments: {' '.join(unknown)}")
    if not {"-h", "--help", "--collect-only"} & set(given):
        note_first_start()
    here = ("-c", str(CONFIGURATION), f"--rootdir={ROOT}", f"--confcutdir={ROOT}")
    plugins = ("-p", "no:cacheprovider", "-p", "bench.adapter.options")
    table = () if any(word.startswith(_PYTEST_BENCHMARK) for word in given) else (NO_TABLE,)
    code = pytest.main([*here, *plugins, *table, *NARROW, *given, str(ROOT / "bench")])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        return report_error(
            made.prog, InvalidInput("no cell selected: list all cells with --collect-only and without -k")
        )
    return EXITS[pytest.ExitCode(code)]


def parser() -> Parser:
    """Return the parser of the command line: our options, and the relevant ones of pytest."""
    made = options.parser()
    add = made.add_argument_group("pytest options").add_argument
    add("-k", metavar="EXPR", help="select cells by name, for example 'threaded and not io'")
    add("--collect-only", "--co", action="store_true", help="show the plan and its estimated time, without measuring")
    add("-q", "--quiet", action="count", help="print only the path of the page")
    add("-v", "--verbose", action="count", help="print a line for each window")
    return made
