"""Formatting of rows: figures, intervals and verdicts, for the terminal, the page and the documentation."""

from __future__ import annotations

import math
from typing import Any, Final

from bench.analysis.validation import Result, Validation
from bench.stats.agreement import Verdict

HEAD: Final = ("row", "known by", "known", "estimate, 95% interval", "bound", "n", "verdict")
NOTHING: Final = "–"
_DIGITS: Final = 3
_SEVERAL: Final = {
    Verdict.AGREES: "agree",
    Verdict.DISAGREES: "disagree",
    Verdict.DISTURBED: "are too disturbed to decide",
}
_DISAGREES, _UNDECIDED = 1, 3


def cells(result: Result) -> tuple[str, ...]:
    """Return the cells of a table row, in the order of :data:`HEAD`."""
    return (
        result.name,
        result.known,
        known_value(result),
        estimate(result),
        f"±{_figure(result.bound, result.bound)} {result.unit}",
        count(result),
        result.verdict.value,
    )


def known_value(result: Result) -> str:
    """Return the true value with its unit."""
    return NOTHING if result.truth is None else f"{_figure(result.truth, result.bound)} {result.unit}"


def estimate(result: Result) -> str:
    """Return the estimate with its interval: the true value plus the mean deviation."""
    if result.truth is None:
        return NOTHING
    found = result.estimate
    mean = _figure(result.truth + found.mean, result.bound)
    if math.isnan(found.low):
        return mean
    low, high = (_figure(result.truth + end, result.bound) for end in (found.low, found.high))
    return f"{mean} ({low} to {high})"


def count(result: Result) -> str:
    """Return the number of observations that count, and of those that do not."""
    return f"{result.estimate.n}" + (f" (+{result.disturbed} disturbed)" if result.disturbed else "")


def why(result: Result) -> str:
    """Return why a row does not agree; empty if it does."""
    if result.failure and result.verdict is not Verdict.AGREES:
        return f"the study failed: {result.failure}"
    if result.verdict is Verdict.DISTURBED and not result.estimate.n:
        return "all observations were disturbed" if result.disturbed else "no time was left for the study"
    if result.verdict is Verdict.DISTURBED:
        return "the interval is too wide, or extends past the bound: run longer, or on a quieter machine"
    return ""


def summary(validation: Validation) -> str:
    """Return the number of rows with each verdict, in words."""
    return ", ".join(f"{number} {_SEVERAL[verdict]}" for verdict, number in validation.counts.items())


def status(validation: Validation) -> int:
    """Return the exit status of a validation."""
    counts = validation.counts
    if counts[Verdict.DISAGREES]:
        return _DISAGREES
    return _UNDECIDED if counts[Verdict.DISTURBED] or not validation.results else 0


def to_dict(result: Result) -> dict[str, Any]:
    """Return a row for JSON; unknown values are null."""
    found = result.estimate
    return {
        "row": result.name,
        "study": result.study,
        "says": result.says,
        "known": result.known,
        "unit": result.unit,
        "truth": result.truth,
        "deviation": _or_none(found.mean),
        "deviation_low": _or_none(found.low),
        "deviation_high": _or_none(found.high),
        "bound": result.bound,
        "observations": found.n,
        "disturbed": result.disturbed,
        "foreign_cores": result.foreign_cores,
        "verdict": result.verdict.value,
        "why": why(result),
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _figure(value: float, bound: float) -> str:
    """Format a figure with a number of digits that suits its bound."""
    scale = bound or 1.0
    digits = max(0, _DIGITS - 1 - math.floor(math.log10(scale))) if scale < 100 else 0
    text = f"{value:,.{min(digits, 4)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text
