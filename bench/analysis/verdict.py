"""The four verdicts of a comparison."""

from __future__ import annotations

import enum

from bench.stats.ratios import Ratio


class Verdict(enum.StrEnum):
    """Result of comparing a candidate with its baseline."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNDECIDED = "undecided"


def judge(ratio: Ratio, p_adjusted: float, confidence: float, same_within: float, *, more: bool) -> Verdict:
    """Return one of four verdicts; a difference is reported if interval and corrected test agree.

    An interval wholly within the zone of equivalence is "the same", even if it excludes 1 (two one-sided tests:
    Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15, 1987).
    """
    if not ratio.has_interval:
        return Verdict.UNDECIDED
    if 1 / (1 + same_within) <= ratio.low and ratio.high <= 1 + same_within:
        return Verdict.SAME
    if p_adjusted < 1 - confidence and not ratio.low <= 1 <= ratio.high:
        return Verdict.FASTER if (ratio.ratio > 1) is more else Verdict.SLOWER
    return Verdict.UNDECIDED
