"""Compare two interpreters within a run, or two runs: ``python -m bench.analysis.compare RUN [RUN]``.

Exit status: 0; 1 if --fail-slower was given and a larger loss is shown; 2 if there is nothing that could be compared.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.analysis.arguments import Parser, fail
from bench.analysis.comparison import Comparison, between, within
from bench.analysis.formats import FORMATS
from bench.analysis.load import load_run
from bench.ratios import SAME_WITHIN
from loadgen.errors import GilbenchError


def main(argv: list[str] | None = None) -> int:
    """Compare what the command line names, and return the exit status."""
    options = _parser().parse_args(argv)
    try:
        comparison = _compared(options)
        _write(FORMATS[options.format](comparison), options.output)
    except GilbenchError as problem:
        return fail(str(problem), 2)
    return _gate(comparison, options.fail_slower)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="nox -s compare --", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folders (default: results/latest)")
    parser.add_argument("--baseline", default="", metavar="TARGET", help="within a run (default: the plan's)")
    parser.add_argument("--candidate", default="", metavar="TARGET", help="within a run (default: all others)")
    parser.add_argument(
        "--same-within",
        type=_share,
        metavar="SHARE",
        help=f"ratios closer to 1 count as the same (default: the plan's; between runs {SAME_WITHIN:.0%}%)",
    )
    parser.add_argument("--fail-slower", type=_share, metavar="SHARE", help="exit with 1 if a larger loss is shown")
    parser.add_argument("--require-same-build", action="store_true", help="refuse to compare different builds")
    parser.add_argument("--format", choices=FORMATS, default="terminal", help="(default: terminal)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there (default: standard output)")
    return parser


def _compared(options: argparse.Namespace) -> Comparison:
    runs = [load_run(path) for path in options.runs or [Path("results/latest")]]
    if len(runs) > 2 or (len(runs) == 2 and (options.baseline or options.candidate)):
        raise GilbenchError("give two runs, or one run and --baseline and --candidate")
    if len(runs) == 2:
        comparison = between(runs[0], runs[1], options.same_within)
    else:
        comparison = within(runs[0], options.baseline, options.candidate, options.same_within)
    differing = next((row for row in comparison.rows if row.differs), None)
    if options.require_same_build and differing is not None:
        raise GilbenchError(
            f"{differing.baseline} and {differing.candidate} differ in {', '.join(differing.differs)}: build both "
            "alike, or leave --require-same-build out"
        )
    return comparison


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise GilbenchError(f"cannot write to {output}: {problem.strerror}; name another file") from problem


def _gate(comparison: Comparison, loss: float | None) -> int:
    if loss is None:
        return 0
    shown = comparison.slower_than(loss)
    for row in shown:
        cell = row.cell.replace("/", "-")
        sys.stderr.write(
            f"{cell}: {row.candidate} is slower than {row.baseline} by more than {loss:.2%}: "
            f"{row.ratio.ratio:.3f} [{row.ratio.low:.3f}, {row.ratio.high:.3f}]\n"
        )
    return 1 if shown else 0


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not text.endswith("%") or not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: write it as 5%")
    return share


if __name__ == "__main__":
    sys.exit(main())
