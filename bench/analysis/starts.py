"""A run's windows as figures by start and round: what ratios are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from bench import ratios
from bench.analysis.load import Run
from bench.analysis.stats import CELL

GROUP: Final = CELL[:3]
DISTURBING: Final = {"foreign_cpu", "steal"}


def confidence(run: Run) -> float:
    """Return the confidence of one interval: where a run could stop at several looks, that of each of them."""
    return ratios.CONFIDENCE if run.section("plan").get("precision") is None else ratios.confidence_of_looks()


def visit_s(run: Run) -> float:
    """Return what one start of a group cost in the whole run's time."""
    elapsed = run.meta.get("elapsed_s")
    visits = len(run.windows[[*GROUP, "pass"]].drop_duplicates())
    return float(elapsed) / visits if isinstance(elapsed, (int, float)) and visits else math.nan


def groups(run: Run) -> list[tuple[Any, ...]]:
    rank = {name: {value: place for place, value in enumerate(run.values(name))} for name in GROUP}
    found = run.windows[GROUP].drop_duplicates().itertuples(index=False, name=None)
    order = ("workload", "model", "clients")
    return sorted(found, key=lambda group: [rank[name][group[GROUP.index(name)]] for name in order])


def figures(
    run: Run, of: Callable[[pd.DataFrame], pd.Series[float]]
) -> dict[tuple[Any, ...], dict[ratios.Visit, float]]:
    """Return a metric's figures, by cell, and by start and round."""
    windows = run.windows.assign(figure=of(run.windows))
    found: dict[tuple[Any, ...], dict[ratios.Visit, float]] = {}
    for *cell, pass_, round_, figure in windows[[*CELL, "pass", "round", "figure"]].itertuples(index=False, name=None):
        found.setdefault(tuple(cell), {})[pass_, round_] = float(figure)
    return found


def logs(figures: dict[ratios.Visit, float]) -> list[float]:
    """Return the mean logarithm of each start's figures."""
    by_start: dict[int, list[float]] = {}
    for (pass_, _), figure in figures.items():
        if figure > 0:
            by_start.setdefault(pass_, []).append(math.log(figure))
    return [float(np.mean(each)) for each in by_start.values()]


def disturbed(run: Run) -> dict[tuple[Any, ...], set[ratios.Visit]]:
    """Return the starts and rounds of each cell in which something else took CPU time."""
    hit = run.windows[run.windows["warnings"].map(lambda found: any(one.get("code") in DISTURBING for one in found))]
    found: dict[tuple[Any, ...], set[ratios.Visit]] = {}
    for *cell, pass_, round_ in hit[[*CELL, "pass", "round"]].itertuples(index=False, name=None):
        found.setdefault(tuple(cell), set()).add((pass_, round_))
    return found


def without(figures: dict[ratios.Visit, float], bad: set[ratios.Visit]) -> dict[ratios.Visit, float]:
    return {visit: figure for visit, figure in figures.items() if visit not in bad}
