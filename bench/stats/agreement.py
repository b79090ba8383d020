"""Verdicts on whether observations agree with the truth.

A row's observations are differences, each a figure minus its truth. They are independent, so the interval of their mean
is Student's. For yes-or-no observations, the interval of the frequency is Clopper and Pearson's (Biometrika 26, 1934).

A row is judged each time its number of observations reaches one of :data:`INTERIM_COUNTS`. It *agrees* if the 95%
interval lies within the bound (an equivalence test). It *disagrees* only if an interval corrected for all rows and all
interim analyses (Bonferroni) lies entirely outside the bound: one false verdict in 20 runs of the whole suite,
regardless of its size.

This module knows neither studies nor files.
"""

from __future__ import annotations

import enum
import functools
import math
import statistics
from collections.abc import Sequence
from typing import Final, NamedTuple

from scipy import stats

from bench.stats.ratios import CONFIDENCE

INTERIM_COUNTS: Final = (3, 5, 8, 12, 18, 27, 40, 60, 90, 135)
"""Numbers of observations at which a row is judged."""


class Verdict(enum.StrEnum):
    """Verdict on a row."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    DISTURBED = "too disturbed"


class Estimate(NamedTuple):
    """Mean deviation from the truth, with its confidence interval.

    Attributes:
        mean: mean of the differences; NaN without any.
        low: lower end of its interval; NaN with fewer than two.
        high: upper end.
        n: number of differences.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    def within(self, bound: float) -> bool:
        """Return whether the whole interval lies within the bound."""
        return self.low >= -bound and self.high <= bound

    def outside(self, bound: float) -> bool:
        """Return whether the whole interval lies outside the bound."""
        return self.low > bound or self.high < -bound


def estimate(differences: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean of differences with Student's interval."""
    n = len(differences)
    mean = statistics.fmean(differences) if n else math.nan
    if n < 2:
        return Estimate(mean, math.nan, math.nan, n)
    half = _quantile(confidence, n - 1) * statistics.stdev(differences) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n)


@functools.cache
def _quantile(confidence: float, freedom: int) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, freedom))


def frequency(hits: Sequence[float], truth: float, confidence: float = CONFIDENCE) -> Estimate:
    """Return the deviation of the frequency of ones from the truth, with Clopper and Pearson's interval."""
    n = len(hits)
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    found = stats.binomtest(round(sum(hits)), n).proportion_ci(confidence, method="exact")
    return Estimate(sum(hits) / n - truth, float(found.low) - truth, float(found.high) - truth, n)


class Judged(NamedTuple):
    """A verdict, the 95% interval behind it, and whether more observations could change it."""

    verdict: Verdict
    estimate: Estimate
    settled: bool


def judge(values: Sequence[float], truths: Sequence[float], bound: float, *, yes_or_no: bool, rows: int) -> Judged:
    """Judge a row.

    Args:
        values: its undisturbed observations; with ``yes_or_no``, zeros and ones.
        truths: the truth of each.
        bound: deviation that still agrees.
        yes_or_no: judge the values by their frequency.
        rows: number of rows judged in the same run.
    """
    count = max((each for each in INTERIM_COUNTS if each <= len(values)), default=0)

    def deviation(confidence: float, n: int) -> Estimate:
        if yes_or_no:
            return frequency(values[:n], statistics.fmean(truths) if truths else math.nan, confidence)
        return estimate([value - truth for value, truth in zip(values[:n], truths[:n], strict=True)], confidence)

    strict = deviation(1 - (1 - CONFIDENCE) / max(1, rows) / len(INTERIM_COUNTS), count)
    if count and strict.outside(bound):
        return Judged(Verdict.DISAGREES, deviation(CONFIDENCE, len(values)), True)
    if count and deviation(CONFIDENCE, count).within(bound):
        return Judged(Verdict.AGREES, deviation(CONFIDENCE, count), True)
    return Judged(Verdict.DISTURBED, deviation(CONFIDENCE, len(values)), len(values) >= INTERIM_COUNTS[-1])
