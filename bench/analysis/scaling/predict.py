"""What a law over cores says of more cores than were measured, or why it says nothing."""

from __future__ import annotations

from typing import Final, NamedTuple

from bench.analysis.scaling.fit import Fit
from bench.analysis.scaling.series import OVER_CORES, Series

CORES: Final = (8, 16, 64)
REACH: Final = 8  # times the most measured
WIDEST: Final = 2.0  # the band's upper end over its lower


class Prediction(NamedTuple):
    """Throughput that was not measured.

    Attributes:
        cores: with how many.
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
        fit: what they are made from.
        predictions: those that can be made, ascending.
        refused: why others cannot, in words; empty: all can.
    """

    fit: Fit
    predictions: tuple[Prediction, ...]
    refused: str


def outlook(series: Series, fits: dict[str, Fit], chosen: Fit) -> Outlook:
    """Return what a series over cores lets one say of :data:`CORES`.

    Made from the USL, whichever law is chosen: crosstalk too small to be seen in few cores decides over many, and the
    USL's band has in it what is not known of it, while Amdahl's law supposes that there is none. Over clients nothing
    is predicted, since there the end of the CPUs looks like contention.
    """
    if series.over != OVER_CORES:
        why = "over clients the end of the CPUs is in the curve: measure over cores, with --cpus"
        return Outlook(chosen, (), why)
    fit = fits["usl"]
    most = max(fit.counts, default=0)
    wanted = [cores for cores in CORES if cores > most]
    if not fit.good:
        more = "; more CPUs, and so more core counts, would do" if fit.refused.startswith("too few") else ""
        return Outlook(fit, (), f"{fit.refused}{more}")
    made, refused = [], ""
    for cores in wanted:
        rate, (low, high) = float(fit.predict([cores])[0]), fit.band([cores])
        if cores > REACH * most:
            refused = f"{cores} cores are more than {REACH} times the {most} that were measured"
        elif high[0] > WIDEST * low[0]:
            refused = f"for {cores} cores the band's upper end is {high[0] / low[0]:.1f} times its lower"
        else:
            made.append(Prediction(cores, rate, float(low[0]), float(high[0])))
            continue
        break
    return Outlook(fit, tuple(made), refused)
