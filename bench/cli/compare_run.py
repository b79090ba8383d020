"""Compare, show the comparison, and judge it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.analysis.comparison import Compared, Comparison, compare_interpreters, compare_runs
from bench.analysis.load import read_run
from bench.paths import latest
from bench.report.comparison import COMPARISON_FORMATS, show_comparison
from bench.terminal import github
from bench.terminal.console import Terminal
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.errors import GilbenchError, InvalidInput


def run(options: argparse.Namespace) -> int:
    """Run the command, and return its exit code."""
    comparison = _compare(options)
    if options.fail_slower is not None and comparison.machines and not options.across_machines:
        raise InvalidInput(
            f"--fail-slower: the runs are of different machines ({'; '.join(comparison.machines)}): measure both on "
            "one, or judge all the same with --across-machines"
        )
    loss = options.fail_slower
    slower = [] if loss is None else comparison.slower_than(loss)
    if options.format == "terminal" and options.output is None:
        if loss is not None:
            Terminal().print(_assertion(comparison, slower, loss))
        show_comparison(Terminal(), comparison)
    else:
        _write(COMPARISON_FORMATS[options.format](comparison), options.output)
    _summarise(comparison)
    return _gate(slower, loss)


def _compare(options: argparse.Namespace) -> Comparison:
    runs = [read_run(path) for path in options.runs or [latest()]]
    if len(runs) > 2 or (len(runs) == 2 and (options.baseline or options.candidate)):
        raise InvalidInput("too many runs or options: give two runs, or one run with --baseline and --candidate")
    if len(runs) == 2:
        comparison = compare_runs(runs[0], runs[1], options.same_within)
    else:
        comparison = compare_interpreters(runs[0], options.baseline, options.candidate, options.same_within)
    differing = next((row for row in comparison.rows if row.differs), None)
    if options.require_same_build and differing is not None:
        raise InvalidInput(
            f"{differing.baseline} and {differing.candidate} differ in {', '.join(differing.differs)}: build both "
            "alike, or omit --require-same-build"
        )
    return comparison


def _summarise(comparison: Comparison) -> None:
    try:
        github.summarise(COMPARISON_FORMATS["markdown"](comparison) + "\n")
    except OSError as exc:
        raise GilbenchError(f"cannot write the step summary: {exc.strerror}; free disk space") from exc


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise GilbenchError(f"cannot write to {output}: {exc.strerror}; name another file") from exc


def _assertion(comparison: Comparison, slower: Sequence[Compared], loss: float) -> str:
    """Return what ``--fail-slower`` asserts, and whether it holds."""
    rows = sum(row.metric == "throughput" for row in comparison.rows)
    if slower:
        return f"✗ a loss of more than {loss:.2%} is significant in {len(slower)} of {rows} cells\n"
    return f"✓ no loss of more than {loss:.2%} is significant in any of {rows} cells\n"


def _gate(slower: Sequence[Compared], loss: float) -> int:
    """Name the rows that are too slow, and return the exit code."""
    for row in slower:
        sys.stderr.write(
            f"{row.group.name}: {row.candidate} is slower than {row.baseline} by more than {loss:.2%}: "
            f"{row.ratio.ratio:.3f} [{row.ratio.low:.3f}, {row.ratio.high:.3f}]\n"
        )
    return FAILED if slower else DONE
