"""Every law of every series with its coefficients, for ``scaling.csv``."""

from __future__ import annotations

import math
from typing import Any, Final

import pandas as pd

from bench.analysis.load import Run
from bench.analysis.scaling.choice import Scaling, laws
from bench.analysis.scaling.fit import Fit
from bench.analysis.scaling.predict import CORES
from bench.analysis.scaling.series import OVER_CORES

_COEFFICIENTS: Final = {"rate": "rate_of_one_rps", "serial": "serial_share", "contention": "contention_share"}
_CROSSTALK: Final = {"crosstalk": "crosstalk_share"}


def table(run: Run) -> pd.DataFrame:
    """Return a row for each series and law.

    Returns:
        Columns: the series (``over``, ``model``, ``workload``, ``clients``, ``interpreter``), ``law``, whether it was
        ``chosen``, ``counts`` (the numbers measured, joined by spaces) and ``values``; each coefficient, with ``_low``
        and ``_high``, the ends of its 95% interval; ``peak_n`` and ``peak_rps``; ``ceiling_rps``; ``residual``,
        ``misfit`` and ``aicc``; ``refused``, why the fit is not valid; over cores, for the law that predicts,
        ``at_8_rps`` and so on with ``at_8_low_rps`` and ``at_8_high_rps``, and ``no_prediction``, why there are no
        more predictions. Empty: unknown, or not part of this law.
    """
    return pd.DataFrame([_row(one, fit) for one in laws(run) for fit in one.fits.values()])


def to_csv(run: Run) -> str:
    """Return the table as CSV; the same records give the same text."""
    return table(run).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _row(one: Scaling, fit: Fit) -> dict[str, Any]:
    series, peak = one.series, fit.peak
    row: dict[str, Any] = {
        "over": series.over,
        "model": series.model,
        "workload": series.workload,
        "clients": series.clients,
        "interpreter": series.interpreter,
        "law": fit.law,
        "chosen": fit is one.chosen,
        "counts": " ".join(map(str, fit.counts)),
        "values": fit.values,
    }
    for name, column in (_COEFFICIENTS | _CROSSTALK).items():
        known = fit.estimates.get(name)
        for end, figure in zip(("", "_low", "_high"), known or (math.nan,) * 3, strict=True):
            row[f"{column}{end}"] = figure
    row |= {
        "peak_n": peak.n if peak else math.nan,
        "peak_rps": peak.rate if peak else math.nan,
        "ceiling_rps": fit.ceiling_rps if fit.estimates and fit.ceiling_rps < math.inf else math.nan,
        "residual": fit.residual,
        "misfit": fit.misfit,
        "aicc": fit.aicc if fit.aicc < math.inf else math.nan,
        "refused": fit.refused,
    }
    mine = series.over == OVER_CORES and fit is one.outlook.fit
    found = {made.cores: made for made in one.outlook.predictions} if mine else {}
    for cores in CORES:
        known_rates = found[cores][1:] if cores in found else (math.nan,) * 3
        for end, figure in zip(("", "_low", "_high"), known_rates, strict=True):
            row[f"at_{cores}{end}_rps"] = figure
    return row | {"no_prediction": one.outlook.refused if mine else ""}
