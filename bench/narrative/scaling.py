"""Limits of throughput in words: the laws of each series with their figures."""

from __future__ import annotations

import math
from typing import Final

from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES
from bench.analysis.scaling.choice import Scaling, laws
from bench.analysis.scaling.fit import FLAT_ABOVE, Estimate, Fit
from bench.analysis.scaling.laws import LAWS
from bench.analysis.scaling.series import OVER_CORES
from bench.narrative import wording

LINEAR_BELOW: Final = 0.01
"""A share of at most this, whose interval includes 0, counts as none."""

MOST_NAMED: Final = 5


def limits(run: Run, model: str, workload: str, interpreter: str) -> str | None:
    """Return what limits a model's throughput according to the fits, without a full stop; ``None``: nothing.

    Over clients for exactly this interpreter; over cores if it is one of those pinned to CPUs (or their common name).
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
    """Return a good fit in words: ``over clients: contention 3.0% (2.0–4.1%), ... peak near 35 clients``."""
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
        return f"in proportion to {over}, without a significant serial share ({interval(serial)})"
    if fit.law == "gustafson":
        return f"in proportion to {over}, minus a serial share of {interval(serial)}"
    most = f"never above {wording.rate(fit.ceiling_rps)} requests/s, {1 / serial.value:.2g} times the throughput of one"
    far = f"no limit in sight with {fit.counts[-1]}"
    return f"{interval(serial)} is serial, {most if fit.peak_in_range else far}{_cpus(one)}"


def _peak(fit: Fit, over: str) -> str:
    if fit.peak is None:
        return "no peak"
    if not fit.peak_in_range:
        return f"no peak in sight with {fit.counts[-1]} {over}"
    return f"peak near {fit.peak.n:.0f} {over} at {wording.rate(fit.peak.rate)} requests/s"


def _cpus(one: Scaling) -> str:
    count = one.series.cpus
    return f" (the limit includes the {wording.plural(count, 'CPU')}, all in use)" if one.saturated and count else ""


def interval(one: Estimate) -> str:
    """Format a share with its interval, as ``3.0% (2.0–4.1%)``."""
    large = max(one.value, one.high / 2, 1e-5)
    digits = 0 if large >= 0.1 else max(1, -math.floor(math.log10(large)) - 1)
    value, low, high = (f"{100 * figure:.{digits}f}" for figure in one)
    return f"{value}% ({low}–{high}%)"


def highlights(run: Run) -> list[tuple[str, str]]:
    """Return the law of a few series in words: of each model, for the computing workload (else the first), on one side.

    Returns:
        Subject and sentence, at most :data:`MOST_NAMED`, the smallest serial share first.
    """
    good = [one for one in laws(run) if one.several and one.chosen.good]
    if not good:
        return []
    workloads = [one.series.workload for one in good]
    workload = COMPUTES if COMPUTES in workloads else workloads[0]
    here = [one for one in good if one.series.workload == workload]
    interpreters = [one.series.interpreter for one in here]
    shown = [run.baseline] if run.baseline in interpreters else interpreters[:1]
    shown += [name for name in dict.fromkeys(interpreters) if run.is_free(name)][:1]
    found = [one for one in here if one.series.interpreter in shown]
    found.sort(key=lambda one: one.chosen.estimates.get("contention", one.chosen.estimates.get("serial", _NONE)).value)
    kept = [*found[: MOST_NAMED - 2], *found[-2:]] if len(found) > MOST_NAMED else found
    return [(f"{one.series.model} on {one.series.interpreter}, {workload}", sentence(one)) for one in kept]


_NONE: Final = Estimate(math.inf, math.inf, math.inf)


def rows(run: Run) -> list[dict[str, str]]:
    """Return the page's row of each series, with its law or the reason why it has none."""
    return [_cells(one) for one in laws(run) if one.several]


def _cells(one: Scaling) -> dict[str, str]:
    series, fit = one.series, one.chosen
    estimates = fit.estimates
    serial = estimates.get("contention", estimates.get("serial"))
    peak = fit.peak
    bound = f"peak {wording.rate(peak.rate)} at {peak.n:.0f}" if peak else f"below {wording.rate(fit.ceiling_rps)}"
    shown = {
        "over": series.over + (f", {wording.plural(series.clients, 'client')}" if series.clients is not None else ""),
        "workload": series.workload,
        "model": series.model,
        "interpreter": series.interpreter,
        "law": LAWS[fit.law].title.removeprefix("the ").replace("Universal Scalability Law", "USL"),
        "serial": interval(serial) if serial else wording.UNKNOWN,
        "crosstalk": interval(estimates["crosstalk"]) if "crosstalk" in estimates else wording.UNKNOWN,
        "bound": bound if fit.peak_in_range else wording.UNKNOWN,
        "misfit": wording.share(fit.misfit),
        "note": fit.refused,
    }
    if series.over == OVER_CORES and not fit.refused:
        made = [
            f"{p.cores} cores: {wording.rate(p.rate)} ({wording.rate(p.low)}–{wording.rate(p.high)})"
            for p in one.outlook.predictions
        ]
        by = "" if one.outlook.fit is fit else " by the USL"
        predicted = [f"predicted{by} for {', '.join(made)}"] if made else []
        shown["note"] = "; ".join(filter(None, [*predicted, one.outlook.refused]))
    elif one.saturated:
        shown["note"] = shown["note"] or "all CPUs in use"
    return shown
