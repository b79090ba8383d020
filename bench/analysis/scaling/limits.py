"""What limits each series: the law that its data support, and a sentence with its figures."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Final

import pandas as pd

from bench.analysis import launches, wording
from bench.analysis.load import Run
from bench.analysis.scaling.fit import FLAT_ABOVE, Estimate, Fit, fit
from bench.analysis.scaling.laws import LAWS
from bench.analysis.scaling.predict import Outlook, outlook
from bench.analysis.scaling.series import OVER_CLIENTS, OVER_CORES, Series, all_series
from bench.analysis.stats import pass_spreads, pick
from bench.schema.cell import Cell

BETTER_BY: Final = 2.0  # of Akaike's criterion: what a law with one parameter more must gain
ALL_IN_USE: Final = 0.85  # share of the CPUs from which on they are what is short
LINEAR_BELOW: Final = 0.01  # a share whose interval holds 0, and that is no more than this, is called none


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


def limits(run: Run, model: str, workload: str, interpreter: str) -> str | None:
    """Return what the fits say limits a model's throughput, a sentence without its full stop; ``None``: nothing.

    Over clients of this very interpreter, and over cores if it is one of those that were pinned (or their common name).
    """
    parts = []
    for one in laws(run):
        series = one.series
        names = {series.interpreter} | (
            {f"{series.interpreter}+cpus={n}" for n in series.counts} if series.clients else set()
        )
        mine = interpreter in names
        if (series.model, series.workload) == (model, workload) and mine and one.chosen.good:
            parts.append(sentence(one))
    return "; ".join(parts) or None


def sentence(one: Scaling) -> str:
    """Return what a good fit says, as ``over clients: contention 3.0% (2.0–4.1%), ... peak near 35 clients``."""
    where = f"over {one.series.over}"
    where += f" with {wording.plural(one.series.clients, 'client')}" if one.series.clients is not None else ""
    return f"{where} ({LAWS[one.chosen.law].title}): {_says(one)}"


def _says(one: Scaling) -> str:
    fit, over = one.chosen, one.series.over
    if fit.law == "usl":
        parts = [f"{name} {interval(fit.estimates[name])}" for name in LAWS["usl"].coefficients]
        return ", ".join([*parts, _peak(fit, over)]) + _cpus(one)
    serial = fit.estimates["serial"]
    if serial.value >= FLAT_ABOVE:
        return f"more {over} do not raise throughput, {interval(serial)} is serial{_cpus(one)}"
    if serial.value <= LINEAR_BELOW and serial.low <= 0:
        return f"in proportion to {over}, no part is shown to be serial ({interval(serial)})"
    if fit.law == "gustafson":
        return f"in proportion to {over}, less {interval(serial)} of each"
    most = f"never above {wording.rate(fit.ceiling_rps)} requests/s, {1 / serial.value:.2g} times that of one"
    far = f"an end of the growth is not in sight with {fit.counts[-1]}"
    return f"{interval(serial)} is serial, {most if fit.peak_in_range else far}{_cpus(one)}"


def _peak(fit: Fit, over: str) -> str:
    if fit.peak is None:
        return "no peak"
    if not fit.peak_in_range:
        return f"no peak in sight with {fit.counts[-1]} {over}"
    return f"peak near {fit.peak.n:.0f} {over} at {wording.rate(fit.peak.rate)} requests/s"


def _cpus(one: Scaling) -> str:
    count = one.series.cpus
    return (
        f" (the {wording.plural(count, 'CPU')} were all in use, and are part of it)" if one.saturated and count else ""
    )


def interval(one: Estimate) -> str:
    """Write a share with its interval, as ``3.0% (2.0–4.1%)``."""
    large = max(one.value, one.high / 2, 1e-5)
    digits = 0 if large >= 0.1 else max(1, -math.floor(math.log10(large)) - 1)
    value, low, high = (f"{100 * figure:.{digits}f}" for figure in one)
    return f"{value}% ({low}–{high}%)"


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
