"""One law fitted to one series: its coefficients with intervals, and whether it deserves belief."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from bench.analysis.scaling.laws import LAWS, RATE, Floats
from bench.analysis.scaling.squares import Squares, criterion, gradient, lack_of_fit, student

POOR_ABOVE: Final = 0.1  # what a curve misses the means by: nothing is concluded from one that is further off
SURE_BELOW: Final = 0.05  # p-value of the lack of fit
FLAT_ABOVE: Final = 0.95  # a serial share that leaves nothing to gain
IN_SIGHT: Final = 2.0  # times the most measured


class Estimate(NamedTuple):
    """A coefficient and its 95% confidence interval, within what it can be."""

    value: float
    low: float
    high: float


class Point(NamedTuple):
    """A place on the curve: so many, and requests per second."""

    n: float
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A law as it was fitted.

    Attributes:
        law: key of :data:`~bench.analysis.scaling.laws.LAWS`.
        counts: the different n that were measured, ascending.
        values: how many throughputs there were, one for each n and pass.
        estimates: by name, ``rate`` (requests per second of one) and the law's coefficients; empty: not fitted.
        residual: root mean square of the relative residuals of all values: noise and misfit together.
        misfit: the same of the geometric means at each n.
        aicc: what the laws are chosen by, see :func:`~bench.analysis.scaling.squares.criterion`.
        refused: why nothing is to be concluded from it; empty: it is good.
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
        """Where throughput is highest, sqrt((1 - contention) / crosstalk); ``None`` if the law has no such place."""
        if "crosstalk" not in self.estimates or self.estimates["crosstalk"].value <= 0:
            return None
        share, crosstalk = self.estimates["contention"].value, self.estimates["crosstalk"].value
        n = max(math.sqrt((1 - share) / crosstalk), 1.0)
        return Point(n, float(self.predict([n])[0]))

    @property
    def ceiling_rps(self) -> float:
        """Throughput that is never exceeded, requests per second; infinite if the law has no such bound."""
        if self.peak is not None:
            return self.peak.rate
        serial = self.estimates.get("contention", self.estimates.get("serial"))
        if serial is None or serial.value <= 0 or self.law == "gustafson":
            return math.inf
        return self.estimates[RATE].value / serial.value

    @property
    def flat(self) -> bool:
        """Whether more of it do not raise throughput."""
        serial = self.estimates.get("contention", self.estimates.get("serial"))
        return serial is not None and serial.value >= FLAT_ABOVE

    @property
    def peak_in_range(self) -> bool:
        """Whether its peak, or all that a ceiling leaves room for, is had with twice the most measured at the most."""
        if not self.estimates or self.flat:
            return False
        gain = self.peak.n if self.peak else self.ceiling_rps / self.estimates[RATE].value
        return gain <= IN_SIGHT * self.counts[-1]

    def predict(self, n: Sequence[float] | Floats) -> Floats:
        """Return the curve, in requests per second."""
        return LAWS[self.law].throughput(np.asarray(n, float), *(one.value for one in self.estimates.values()))

    def band(self, n: Sequence[float] | Floats) -> tuple[Floats, Floats]:
        """Return the curve's 95% confidence band, in requests per second: of the curve, not of windows about it.

        By the delta method on the logarithm of throughput. Where a coefficient lies at an end of what it can be, so
        that the covariance knows nothing of it, the band reaches to the curve that has it at the far end of its
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
    """Fit a law by least squares, on relative residuals: a value that is off by 10% counts the same at every n.

    These are differences of logarithms. Intervals are Student's t times the standard error from the covariance. Where a
    coefficient is at an end of what it can be (no crosstalk is a common finding), its estimate is not normal about the
    truth: it is held there, the others' errors are those of the smaller model, and its own interval reaches to where
    the sum of squares has risen by F's share (profile likelihood: Bates and Watts, Nonlinear Regression Analysis and
    Its Applications, Wiley 1988, chapter 6).

    It is refused with fewer different n than parameters and one, and where the curve misses the means at each n by more
    than 10% and by more than their spread over passes explains (F test for lack of fit, 5%).

    Args:
        law: key of :data:`~bench.analysis.scaling.laws.LAWS`.
        n: of what there is more, one for each value.
        rates: throughput, requests per second; those that are not above 0 are left out.
        absolute: on the residuals in requests per second, as most published fits are.
    """
    pairs = [(float(many), float(rate)) for many, rate in zip(n, rates, strict=True) if rate > 0]
    row = LAWS[law]
    counts = tuple(sorted({int(many) for many, _ in pairs}))
    if len(counts) < row.fewest:
        measured = ", ".join(map(str, counts)) or "none"
        why = f"too few: {row.title} needs {row.fewest} different numbers, measured were {measured}"
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
