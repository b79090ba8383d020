"""Least-squares fit of a law, in which parameters may be held at a value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy import optimize, special

from bench.analysis.scaling.laws import Floats, Law

CONFIDENCE: Final = 0.95
_SIZES: Final = {
    "serial": 0.1,
    "contention": 0.1,
    "crosstalk": 0.001,
}  # typical values, as starting points and scales
_NEAR: Final = 0.01
_NOTHING: Final = 1e-20  # added since synthetic points exactly on a curve leave a sum of 0, which has no logarithm


class Squares:
    """Least-squares problem of one law and one series.

    Attributes:
        law: the law.
        n: n of each value.
        absolute: whether residuals are in requests per second, or relative (of logarithms).
    """

    def __init__(self, law: Law, n: Floats, rates: Floats, *, absolute: bool) -> None:
        self.law, self.n, self.absolute = law, n, absolute
        self._seen = rates if absolute else np.log(rates)
        sizes = [_SIZES[name] for name in law.coefficients]
        self._start = np.array([float((rates / n)[n == n.min()].mean()), *sizes])
        self._high = np.array([np.inf, *np.ones(len(sizes))])

    def solve(self, held: Mapping[int, float]) -> Floats:
        """Return the parameters with the least sum of squares, held ones at their values."""
        free = [i for i in range(len(self._start)) if i not in held]
        whole = self._start.copy()
        whole[list(held)] = list(held.values())

        def residuals(some: Floats) -> Floats:
            whole[free] = some
            return self._residuals(whole)

        start = self._start[free]
        bounds = (np.zeros(len(free)), self._high[free])
        found = optimize.least_squares(residuals, start, bounds=bounds, x_scale=start, xtol=1e-12, ftol=1e-12)
        whole[free] = found.x
        return whole

    def boundary_values(self, best: Floats) -> dict[int, float]:
        """Return the coefficients at an end of their valid range: holding them there does not worsen the fit."""
        held: dict[int, float] = {}
        least = self.left(best) * (1 + 1e-9) + _NOTHING
        for i in range(1, len(best)):
            for end in (0.0, 1.0):
                if abs(best[i] - end) < _NEAR and self.left(self.solve(held | {i: end})) <= least:
                    held[i] = end
        return held

    def covariance(self, best: Floats, held: Mapping[int, float], freedom: int) -> Floats:
        """Return the covariance of the parameters, 0 for those that are held."""
        free = [i for i in range(len(best)) if i not in held]
        jacobian = gradient(self.law, self.n, best)[:, free]
        if self.absolute:
            jacobian = jacobian * self.law.throughput(self.n, *best)[:, None]
        scales = np.sqrt((jacobian**2).sum(axis=0))
        inner = np.linalg.pinv((jacobian / scales).T @ (jacobian / scales)) / np.outer(scales, scales)
        whole = np.zeros((len(best), len(best)))
        whole[np.ix_(free, free)] = inner * self.left(best) / freedom
        return whole

    def far_end(self, i: int, held: Mapping[int, float], best: Floats, freedom: int) -> tuple[float, Floats]:
        """Return the far end of a held coefficient's interval, and all parameters with the coefficient there."""
        allowed = max(self.left(best), _NOTHING) * (1 + student(freedom) ** 2 / freedom)
        others = {j: value for j, value in held.items() if j != i}
        end, other = held[i], 1 - held[i]

        def above(value: float) -> float:
            return self.left(self.solve(others | {i: value})) - allowed

        far = other if above(other) < 0 else float(optimize.brentq(above, end, other, xtol=1e-7))
        return far, self.solve(others | {i: far})

    def left(self, values: Floats) -> float:
        """Return the residual sum of squares."""
        return float((self._residuals(values) ** 2).sum())

    def _residuals(self, values: Floats) -> Floats:
        curve = self.law.throughput(self.n, *values)
        return self._seen - (curve if self.absolute else np.log(curve))


def gradient(law: Law, n: Floats, values: Floats) -> Floats:
    """Return the derivatives of log(throughput) by each parameter, a row for each n, by central differences."""
    columns = []
    for i, value in enumerate(values):
        step = 1e-6 * max(abs(value), 1e-3)
        above, below = values.copy(), values.copy()
        above[i], below[i] = value + step, value - step
        columns.append((np.log(law.throughput(n, *above)) - np.log(law.throughput(n, *below))) / (2 * step))
    return np.array(columns).T


def student(freedom: int) -> float:
    """Return the half width of the confidence interval, in standard errors."""
    return float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))


def criterion(logs: Floats, parameters: int) -> float:
    """Return Akaike's criterion, corrected for few values (Hurvich and Tsai, Biometrika 76, 1989).

    The noise counts as a parameter. Infinite with too few values.
    """
    many, k = len(logs), parameters + 1
    if many <= k + 1:
        return math.inf
    likelihood = many * math.log(max(float((logs**2).sum()), _NOTHING) / many)
    return likelihood + 2 * k + 2 * k * (k + 1) / (many - k - 1)


def lack_of_fit(n: Floats, logs: Floats, parameters: int) -> float:
    """Return the p-value of the hypothesis that only noise separates the means at each n from the curve (F test).

    0 if every n was measured once, since the size of the noise is then unknown.
    """
    groups: Sequence[Floats] = [logs[n == count] for count in np.unique(n)]
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    repeated, spare = len(logs) - len(groups), len(groups) - parameters
    if not repeated or within <= 0:
        return 0.0
    lack = float((logs**2).sum()) - within
    return float(special.fdtrc(spare, repeated, lack / spare / (within / repeated)))
