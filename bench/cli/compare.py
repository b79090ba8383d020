"""``gilbench compare``: compare two interpreters within a run, or two runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.analysis.comparison import Comparison, compare_interpreters, compare_runs
from bench.analysis.load import read_run
from bench.paths import latest
from bench.report.comparison import COMPARISON_FORMATS, show_comparison
from bench.schema.plan import SAME_WITHIN
from bench.terminal import github
from bench.terminal.console import Terminal
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.errors import GilbenchError, InvalidInput


def main(words: Sequence[str] | None = None) -> int:
    """Compare what the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench compare",
        description="Compare two interpreters within a run, measured side by side, or two runs.",
        examples=[
            ("gilbench compare", "the interpreters of the latest run"),
            ("gilbench compare results/example", "the interpreters of another run"),
            (
                "gilbench compare results/example --format markdown --output example.md",
                "as a table for a pull request",
            ),
            (
                "gilbench compare --fail-slower 5%",
                "a gate: exit with 1 on a significant loss of more than 5%",
            ),
        ],
        exits={FAILED: "--fail-slower was given and a larger loss of throughput is significant"},
    )
    add = made.add_argument_group("what is compared").add_argument
    add("runs", nargs="*", type=Path, metavar="RUN", help="one or two folders of runs (default: the latest run)")
    add("--baseline", default="", metavar="INTERPRETER", help="baseline within a run (default: the plan's)")
    add("--candidate", default="", metavar="INTERPRETER", help="candidate within a run (default: all others)")
    add("--require-same-build", action="store_true", help="refuse to compare different builds")
    add = made.add_argument_group("verdicts").add_argument
    add(
        "--same-within",
        type=_share,
        metavar="SHARE",
        help=f"ratios closer to 1 count as the same (default: the plan's; between runs {SAME_WITHIN:.0%}%)",
    )
    add("--fail-slower", type=_share, metavar="SHARE", help="exit with 1 if a larger loss of throughput is significant")
    add("--across-machines", action="store_true", help="let --fail-slower judge runs of different machines, too")
    add = made.add_argument_group("where it goes").add_argument
    add("--format", choices=COMPARISON_FORMATS, default="terminal", help="(default: terminal)")
    add("--output", type=Path, metavar="FILE", help="write there (default: standard output)")
    return made


def _run(options: argparse.Namespace) -> int:
    comparison = _compare(options)
    if options.fail_slower is not None and comparison.machines and not options.across_machines:
        raise InvalidInput(
            f"--fail-slower: the runs are of different machines ({'; '.join(comparison.machines)}): measure both on "
            "one, or judge all the same with --across-machines"
        )
    if options.format == "terminal" and options.output is None:
        show_comparison(Terminal(), comparison)
    else:
        _write(COMPARISON_FORMATS[options.format](comparison), options.output)
    _summarise(comparison)
    return _gate(comparison, options.fail_slower)


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


def _gate(comparison: Comparison, loss: float | None) -> int:
    if loss is None:
        return DONE
    shown = comparison.slower_than(loss)
    for row in shown:
        sys.stderr.write(
            f"{row.group.name}: {row.candidate} is slower than {row.baseline} by more than {loss:.2%}: "
            f"{row.ratio.ratio:.3f} [{row.ratio.low:.3f}, {row.ratio.high:.3f}]\n"
        )
    return FAILED if shown else DONE


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not text.endswith("%") or not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"invalid share {text!r}: use a percentage such as 5%")
    return share
