"""One law fitted to one series: its coefficients with intervals, and the validity of the fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from bench.analysis.scaling.laws import LAWS, RATE, Floats
from bench.analysis.scaling.squares import Squares, criterion, gradient, lack_of_fit, student

POOR_ABOVE: Final = 0.1  # deviation of a curve from the means above which nothing is concluded from it
SURE_BELOW: Final = 0.05  # p-value of the lack of fit
FLAT_ABOVE: Final = 0.95  # a serial share that leaves nothing to gain
IN_SIGHT: Final = 2.0  # times the largest number measured


class Estimate(NamedTuple):
    """A coefficient and its 95% confidence interval, within its valid range."""

    value: float
    low: float
    high: float


class Point(NamedTuple):
    """A point on the curve: n, and requests per second."""

    n: float
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted law.

    Attributes:
        law: key of :data:`~bench.analysis.scaling.laws.LAWS`.
        counts: the different n that were measured, ascending.
        values: number of throughputs, one for each n and pass.
        estimates: ``rate`` (requests per second at n = 1) and the law's coefficients, by name; empty: not fitted.
        residual: root mean square of the relative residuals of all values: noise and misfit together.
        misfit: the same for the geometric means at each n.
        aicc: criterion for choosing the law, see :func:`~bench.analysis.scaling.squares.criterion`.
        refused: why nothing can be concluded from it; empty: the fit is good.
    """

    law: str
    counts: tuple[int, ...]
    values: int
    estimates: dict[str, Estimate] = field(default_factory=dict)
    residual: float = math.nan
    misfit: float = math.nan
    aicc: float = math.inf
    refused: str = ""
    _covariance: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    _ends: tuple[Floats, ...] = ()

    @property
    def good(self) -> bool:
        return not self.refused

    @property
    def peak(self) -> Point | None:
        """Point of highest throughput, n = sqrt((1 - contention) / crosstalk); ``None`` if the law has no peak."""
        if "crosstalk" not in self.estimates or self.estimates["crosstalk"].value <= 0:
            return None
        share, crosstalk = self.estimates["contention"].value, self.estimates["crosstalk"].value
        n = max(math.sqrt((1 - share) / crosstalk), 1.0)
        return Point(n, float(self.predict([n])[0]))

    @property
    def ceiling_rps(self) -> float:
        """Upper bound of throughput, in requests per second; infinite if the law has none."""
        if self.peak is not None:
            return self.peak.rate
        serial = self.estimates.get("contention", self.estimates.get("serial"))
        if serial is None or serial.value <= 0 or self.law == "gustafson":
            return math.inf
        return self.estimates[RATE].value / serial.value

    @property
    def flat(self) -> bool:
        """Whether a larger n does not raise throughput."""
        serial = self.estimates.get("contention", self.estimates.get("serial"))
        return serial is not None and serial.value >= FLAT_ABOVE

    @property
    def peak_in_range(self) -> bool:
        """Whether the peak, or the n at which linear growth meets the ceiling, is at most twice the largest n."""
        if not self.estimates or self.flat:
            return False
        gain = self.peak.n if self.peak else self.ceiling_rps / self.estimates[RATE].value
        return gain <= IN_SIGHT * self.counts[-1]

    def predict(self, n: Sequence[float] | Floats) -> Floats:
        """Return the curve, in requests per second."""
        return LAWS[self.law].throughput(np.asarray(n, float), *(one.value for one in self.estimates.values()))

    def band(self, n: Sequence[float] | Floats) -> tuple[Floats, Floats]:
        """Return the 95% confidence band of the curve, not of windows around it, in requests per second.

        By the delta method on the logarithm of throughput. Where a coefficient is at an end of its valid range, so that
        the covariance does not cover it, the band extends to the curve with the coefficient at the far end of its
        interval. No curve rises faster than n.
        """
        places, law = np.asarray(n, float), LAWS[self.law]
        slopes = gradient(law, places, np.array([one.value for one in self.estimates.values()]))
        variance = np.einsum("ni,ij,nj->n", slopes, self._covariance, slopes)
        half = student(self.values - len(self.estimates)) * np.sqrt(np.maximum(variance, 0))
        curve, ends = self.predict(places), [law.throughput(places, *end) for end in self._ends]
        low = np.min([curve * np.exp(-half), *ends], axis=0)
        high = np.max([curve * np.exp(half), *ends], axis=0)
        return low, np.minimum(high, self.estimates[RATE].high * places)


def fit(law: str, n: Sequence[float] | Floats, rates: Sequence[float] | Floats, *, absolute: bool = False) -> Fit:
    """Fit a law by least squares on relative residuals: a value that is off by 10% counts the same at every n.

    Residuals are differences of logarithms. Intervals are Student's t times the standard error from the covariance.
    Where a coefficient is at an end of its valid range (no crosstalk is a common finding), its estimate is not normally
    distributed around the true value: it is held there, the errors of the others are those of the smaller model, and
    its own interval extends to where the sum of squares has risen by the share given by F (profile likelihood: Bates
    and Watts, Nonlinear Regression Analysis and Its Applications, Wiley 1988, chapter 6).

    A fit is refused if the number of different n does not exceed the number of parameters, and if the curve misses the
    means at each n by more than 10% and by more than their spread over passes explains (F test for lack of fit, 5%).

    Args:
        law: key of :data:`~bench.analysis.scaling.laws.LAWS`.
        n: number of clients or cores of each value.
        rates: throughput in requests per second; values not above 0 are left out.
        absolute: whether to fit residuals in requests per second, as most published fits do.
    """
    pairs = [(float(many), float(rate)) for many, rate in zip(n, rates, strict=True) if rate > 0]
    row = LAWS[law]
    counts = tuple(sorted({int(many) for many, _ in pairs}))
    if len(counts) < row.fewest:
        measured = ", ".join(map(str, counts)) or "none"
        why = f"too few points: {row.title} needs {row.fewest} different numbers, measured: {measured}"
        return Fit(law, counts, len(pairs), refused=why)
    places, found = np.array(pairs).T
    squares = Squares(row, places, found, absolute=absolute)
    best = squares.solve({})
    held = squares.boundary_values(best)
    best = squares.solve(held) if held else best
    freedom = len(pairs) - len(best)
    covariance = squares.covariance(best, held, freedom)
    far = {i: squares.far_end(i, held, best, freedom) for i in held}
    errors = student(freedom) * np.sqrt(np.diag(covariance))
    estimates = {}
    for i, name in enumerate(row.parameters):
        value = float(best[i])
        ends = (value, far[i][0]) if i in far else (value - float(errors[i]), value + float(errors[i]))
        most = math.inf if name == RATE else 1.0
        estimates[name] = Estimate(value, max(min(ends), 0.0), min(max(ends), most))
    logs = np.log(found) - np.log(row.throughput(places, *best))
    means = [float(logs[places == count].mean()) for count in counts]
    misfit = float(np.sqrt(np.mean(np.square(means))))
    poor = misfit > POOR_ABOVE and lack_of_fit(places, logs, len(best)) < SURE_BELOW
    return Fit(
        law,
        counts,
        len(pairs),
        estimates,
        residual=float(np.sqrt(np.mean(logs**2))),
        misfit=misfit,
        aicc=criterion(logs, len(best)),
        refused=f"poor fit: {row.title} misses the measured means by {misfit:.0%}" if poor else "",
        _covariance=covariance,
        _ends=tuple(values for _, values in far.values()),
    )
