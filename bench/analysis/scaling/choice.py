"""The law that the data of each series support best."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import pandas as pd

from bench.analysis import launches
from bench.analysis.load import Run
from bench.analysis.scaling.fit import FLAT_ABOVE, Fit, fit
from bench.analysis.scaling.laws import LAWS
from bench.analysis.scaling.predict import Outlook, outlook
from bench.analysis.scaling.series import OVER_CLIENTS, OVER_CORES, Series, all_series
from bench.analysis.stats import pass_spreads, pick
from bench.schema.cell import Cell

BETTER_BY: Final = 2.0  # of Akaike's criterion: what a law with one more parameter must gain
ALL_IN_USE: Final = 0.85  # share of the CPUs above which they are the bottleneck


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """A series, every law that may apply to it, and the one that its data support best.

    Attributes:
        series: the measured series.
        fits: fits by law, including refused ones.
        chosen: the good fit with the lowest criterion, where one more parameter must gain 2; if none is good, the best
            of the others.
        outlook: predictions for more cores.
        saturated: over clients, whether nearly all CPUs were in use at the highest number of clients, by the server
            alone or together with the load generator, so that they contribute to the end of the growth.
    """

    series: Series
    fits: dict[str, Fit]
    chosen: Fit
    outlook: Outlook
    saturated: bool

    @property
    def several(self) -> bool:
        """Whether there are enough points to look for a law, or the series is over cores."""
        return self.series.over == OVER_CORES or len(self.series.counts) >= LAWS["amdahl"].fewest


@functools.lru_cache(maxsize=4)
def laws(run: Run) -> tuple[Scaling, ...]:
    """Return every series of a run with its laws."""
    cores = pass_spreads(run.windows, "effective_cores")
    found = []
    for series in all_series(run):
        fits = {law: fit(law, series.n, series.rates) for law in series.laws}
        chosen = _chosen(fits)
        found.append(Scaling(series, fits, chosen, outlook(series, fits, chosen), _is_saturated(run, series, cores)))
    return tuple(found)


def _is_saturated(run: Run, series: Series, cores: pd.DataFrame) -> bool:
    if series.over != OVER_CLIENTS or series.cpus is None:
        return False
    cell = Cell(series.model, series.workload, max(series.counts), series.interpreter)
    used = pick(cores, cell)
    shown = [
        any(one.get("code") == "contended" for one in each) for each in launches.windows_by_cell(run)[cell]["warnings"]
    ]
    return (used is not None and used.middle > ALL_IN_USE * series.cpus) or sum(shown) * 2 >= len(shown)


def _chosen(fits: dict[str, Fit]) -> Fit:
    among = [one for one in fits.values() if one.good] or [one for one in fits.values() if one.estimates]
    # Gustafson's law with everything serial means no growth, which Amdahl's law describes.
    among = [one for one in among if one.law != "gustafson" or one.estimates["serial"].value < FLAT_ABOVE]
    best, *others = among or fits.values()
    for other in others:
        gain = BETTER_BY if len(other.estimates) > len(best.estimates) else 0.0
        if other.aicc + gain < best.aicc:
            best = other
    return best
