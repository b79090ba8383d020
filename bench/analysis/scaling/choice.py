"""The law that the data of each series support."""

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

BETTER_BY: Final = 2.0  # of Akaike's criterion: what a law with one parameter more must gain
ALL_IN_USE: Final = 0.85  # share of the CPUs from which on they are what is short


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """A series, every law that can hold of it, and the one that its data support.

    Attributes:
        series: what was measured.
        fits: by law, refused ones too.
        chosen: of those that are good the one with the lowest criterion, where a parameter more has to gain 2; if none
            is good, the one that comes nearest.
        outlook: what it says of more cores.
        saturated: over clients, with most clients nearly all CPUs were in use, by the server or together with the load
            generator, so that they are a part of what ends the growth.
    """

    series: Series
    fits: dict[str, Fit]
    chosen: Fit
    outlook: Outlook
    saturated: bool

    @property
    def several(self) -> bool:
        """Whether there is enough to look for a law, or more was meant to be."""
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
    return (used is not None and used.median > ALL_IN_USE * series.cpus) or sum(shown) * 2 >= len(shown)


def _chosen(fits: dict[str, Fit]) -> Fit:
    among = [one for one in fits.values() if one.good] or [one for one in fits.values() if one.estimates]
    # Gustafson's law with all of it serial is no growth, which is Amdahl's to say.
    among = [one for one in among if one.law != "gustafson" or one.estimates["serial"].value < FLAT_ABOVE]
    best, *others = among or fits.values()
    for other in others:
        gain = BETTER_BY if len(other.estimates) > len(best.estimates) else 0.0
        if other.aicc + gain < best.aicc:
            best = other
    return best
