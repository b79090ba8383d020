"""Paired ratios: how much faster one side is than the other, with a confidence interval.

Servers under all interpreters are up at the same time, and short windows alternate between them, so drift of the
machine affects all alike. But two launches of the same interpreter differ, mostly in memory layout, and no number of
windows of one launch shows that. The launch is therefore the unit: its value is the mean of the logarithms of its
windows' ratios, the ratio is the geometric mean over launches, and the interval is that of the mean of this many
independent values (Kalibera and Jones, Rigorous benchmarking in reasonable time, ISMM 2013).

This is the only definition: measuring stops by it, and analysis shows it. It knows neither records nor tables.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import special

CONFIDENCE: Final = 0.95
INTERIM_SHARES: Final = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""Shares of the time at which a run that stops at a precision makes an interim analysis."""

Visit = tuple[int, int]
"""Number of a launch, and of a round of windows in it."""

Figures = dict[Visit, float]
"""A cell's figure of each of them."""


class Ratio(NamedTuple):
    """A ratio with its confidence interval.

    Attributes:
        ratio: geometric mean over launches.
        low: lower end of its confidence interval; NaN with fewer than two launches.
        high: upper end.
        launches: number of launches.
        error: standard error of the logarithm; NaN with fewer than two launches.
        freedom: degrees of freedom of that error.
    """

    ratio: float
    low: float
    high: float
    launches: int
    error: float
    freedom: float

    @property
    def has_interval(self) -> bool:
        return not math.isnan(self.low)

    @property
    def precision(self) -> float:
        """Half the width of the interval, as a share; infinite without an interval."""
        return math.sqrt(self.high / self.low) - 1 if self.has_interval else math.inf

    def p_value(self, other: float = 1.0) -> float:
        """Return the p-value of the hypothesis that the true ratio is ``other``, by Student's t-test over launches.

        NaN without an interval.
        """
        return (
            1.0
            if self.error == 0 and self.ratio == other
            else float(2 * special.stdtr(self.freedom, -abs(self._t(other))))
        )

    def p_of_at_least(self, other: float) -> float:
        """Return the p-value of the hypothesis that the true ratio is ``other`` or more; NaN without an interval."""
        return float(special.stdtr(self.freedom, self._t(other)))

    def _t(self, other: float) -> float:
        off = math.log(self.ratio / other)
        return off / self.error if self.error else math.copysign(math.inf, off)


def counting_error(*counts: float, rounds: int = 1) -> float:
    """Return the standard deviation, from counting alone, of the logarithm of a ratio of rates in one launch.

    A window may begin and end anywhere within a request, so its count is off by the sum of two uniform fractions of a
    request, with variance 1/6. If every launch counts exactly the same number, the spread can be no larger than this.
    """
    return math.sqrt(sum(1 / 6 / count**2 for count in counts) / rounds)


def paired_ratio(
    above: Mapping[Visit, float],
    below: Mapping[Visit, float],
    confidence: float = CONFIDENCE,
    quantisation_error: float = 0.0,
) -> Ratio | None:
    """Return the ratio of two sides measured together; ``None`` if no round has both.

    Args:
        above: a figure for each round of each launch; figures that are not above 0 do not count.
        below: the same for the other side.
        confidence: confidence of the interval.
        quantisation_error: standard deviation of a launch's value from counting alone, see :func:`counting_error`; a
            smaller spread is replaced by it.
    """
    return ratio_of_logs(list(launch_logs(above, below).values()), confidence, quantisation_error)


def launch_logs(above: Mapping[Visit, float], below: Mapping[Visit, float]) -> dict[int, float]:
    """Return each launch's value: the mean logarithm of the ratios of its rounds."""
    logs: dict[int, list[float]] = {}
    for visit in sorted(above.keys() & below.keys()):
        if above[visit] > 0 and below[visit] > 0:
            logs.setdefault(visit[0], []).append(math.log(above[visit] / below[visit]))
    return {launch: float(np.mean(each)) for launch, each in logs.items()}


def ratio_of_logs(
    logs: Sequence[float], confidence: float = CONFIDENCE, quantisation_error: float = 0.0
) -> Ratio | None:
    """Return the ratio from one logarithm per launch; ``None`` if there are none."""
    if not logs:
        return None
    many = len(logs) > 1
    error = max(float(np.std(logs, ddof=1)), quantisation_error) / math.sqrt(len(logs)) if many else math.nan
    return _ratio(float(np.mean(logs)), len(logs), error, len(logs) - 1, confidence)


def unpaired_ratio(above: Sequence[float], below: Sequence[float], confidence: float = CONFIDENCE) -> Ratio | None:
    """Return the ratio of two sides measured at different times, from one logarithm per launch of each.

    By Welch's t-test. Changes of the machine between the two are not in the interval; ``None`` if a side is empty.
    """
    if not above or not below:
        return None
    mean, launches = float(np.mean(above) - np.mean(below)), min(len(above), len(below))
    if launches < 2:
        return _ratio(mean, launches, math.nan, 1, confidence)
    parts = [float(np.var(side, ddof=1)) / len(side) for side in (above, below)]
    total = sum(parts)
    spread = sum(part**2 / (len(side) - 1) for part, side in zip(parts, (above, below), strict=True))
    return _ratio(mean, launches, math.sqrt(total), total**2 / spread if spread else launches - 1, confidence)


def _ratio(mean: float, launches: int, error: float, freedom: float, confidence: float) -> Ratio:
    half = _quantile(confidence, freedom) * error
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half), launches, error, freedom)


@functools.lru_cache(maxsize=1024)
def _quantile(confidence: float, freedom: float) -> float:
    return float(special.stdtrit(freedom, (1 + confidence) / 2))


def correct_p_values(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for multiple comparisons: at most 1 in 20 of the differences called is false.

    Benjamini and Hochberg, J. R. Statist. Soc. B 57, 1995. Between two interpreters most cells differ, so the share of
    false calls among all calls is what matters; where no cell differs, as for an interpreter against itself, this also
    limits the chance of calling any to 1 in 20. NaN stays NaN. The same as SciPy's ``false_discovery_control``, without
    the 0.6 s that every comparison would wait for the import of ``scipy.stats``.
    """
    every = np.array(p_values, dtype=float)
    order = np.argsort(-every)  # NaN last
    order = order[: np.count_nonzero(~np.isnan(every))]
    shares = len(order) / np.arange(len(order), 0, -1)
    every[order] = np.minimum(np.minimum.accumulate(every[order] * shares), 1.0)
    return [float(p) for p in every]


def correct_in_groups(p_values: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """Return p-values corrected as by :func:`correct_p_values` for the number of those with the same group."""
    found = list(p_values)
    for group in dict.fromkeys(groups):
        places = [place for place, other in enumerate(groups) if other == group]
        for place, p in zip(places, correct_p_values([p_values[place] for place in places]), strict=True):
            found[place] = p
    return found


@functools.cache
def interim_confidence() -> float:
    """Return the confidence of each interim analysis at which all their intervals hold together 95 times in 100.

    Pocock's constant for analyses at :data:`INTERIM_SHARES`: the bound that a Brownian motion, standardised at each of
    them, stays within with that probability (Pocock, Biometrika 64, 1977; as repeated confidence intervals: Jennison
    and Turnbull, J. R. Statist. Soc. B 51, 1989). The error rate holds no matter at which of them,
    and why, a run stops.
    """
    from scipy.stats import multivariate_normal  # noqa: PLC0415 - takes half a second, and is rarely needed

    shares = np.array(INTERIM_SHARES)
    covariance = np.sqrt(np.minimum.outer(shares, shares) / np.maximum.outer(shares, shares))
    joint = multivariate_normal(np.zeros(len(INTERIM_SHARES)), covariance, seed=1)
    low, high = 1.9, 3.5
    while high - low > 1e-4:
        bound = (low + high) / 2
        edge = np.full(len(INTERIM_SHARES), bound)
        if joint.cdf(edge, lower_limit=-edge) < CONFIDENCE:
            low = bound
        else:
            high = bound
    return float(1 - 2 * special.ndtr(-high))
