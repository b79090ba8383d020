"""Predictions of a law over cores for more cores than were measured, or why there are none."""

from __future__ import annotations

from typing import Final, NamedTuple

from bench.analysis.scaling.fit import Fit
from bench.analysis.scaling.series import OVER_CORES, Series

CORES: Final = (8, 16, 64)
REACH: Final = 8  # times the largest number measured
WIDEST: Final = 2.0  # the band's upper end over its lower


class Prediction(NamedTuple):
    """A predicted throughput.

    Attributes:
        cores: number of cores.
        rate: requests per second; with ``low`` and ``high``, the curve's 95% confidence band.
        low: lower end of the band.
        high: upper end.
    """

    cores: int
    rate: float
    low: float
    high: float


class Outlook(NamedTuple):
    """Predictions, and why there are no more.

    Attributes:
        fit: the fit that they are made from.
        predictions: those that can be made, by number of cores.
        refused: why the others cannot be made; empty: all can.
    """

    fit: Fit
    predictions: tuple[Prediction, ...]
    refused: str


def outlook(series: Series, fits: dict[str, Fit], chosen: Fit) -> Outlook:
    """Return the predictions for :data:`CORES` that a series over cores supports.

    They are made from the USL, whichever law is chosen: crosstalk too small to be visible on few cores dominates on
    many, and the USL's band includes the uncertainty of it, while Amdahl's law assumes that there is none. Over clients
    nothing is predicted, since running out of CPUs looks like contention there.
    """
    if series.over != OVER_CORES:
        why = "over clients, the curve includes running out of CPUs: measure over cores with --cpus"
        return Outlook(chosen, (), why)
    fit = fits["usl"]
    most = max(fit.counts, default=0)
    wanted = [cores for cores in CORES if cores > most]
    if not fit.good:
        more = "; a machine with more CPUs allows more core counts" if fit.refused.startswith("too few") else ""
        return Outlook(fit, (), f"{fit.refused}{more}")
    made, refused = [], ""
    for cores in wanted:
        rate, (low, high) = float(fit.predict([cores])[0]), fit.band([cores])
        if cores > REACH * most:
            refused = f"{cores} cores are more than {REACH} times the {most} measured"
        elif high[0] > WIDEST * low[0]:
            refused = f"for {cores} cores, the band's upper end is {high[0] / low[0]:.1f} times its lower end"
        else:
            made.append(Prediction(cores, rate, float(low[0]), float(high[0])))
            continue
        break
    return Outlook(fit, tuple(made), refused)
