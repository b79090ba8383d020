"""A run's windows by launch and round, from which ratios are computed."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from bench.analysis.load import Run
from bench.analysis.stats import CELL
from bench.schema.cell import Cell, Group
from bench.stats import ratios

GROUP: Final = list(Group._fields)


def confidence(run: Run) -> float:
    """Return the confidence level of an interval: that of each interim analysis if the run could stop early."""
    return ratios.interim_confidence() if run.plan and run.plan.precision is not None else ratios.CONFIDENCE


def visit_s(run: Run) -> float:
    """Return the run's elapsed time per launch of a group, in seconds."""
    elapsed_s = run.meta.elapsed_s
    visits = len(run.windows[[*GROUP, "pass"]].drop_duplicates())
    return elapsed_s / visits if elapsed_s is not None and visits else math.nan


def groups(run: Run) -> list[Group]:
    """Return the groups that have windows, in the plan's order."""
    rank = {name: {value: place for place, value in enumerate(run.values(name))} for name in GROUP}
    found = dict.fromkeys(cell.group for cell in run.cells)
    order = ("workload", "model", "clients")
    return sorted(found, key=lambda group: [rank[name][getattr(group, name)] for name in order])


@functools.lru_cache(maxsize=4)
def windows_by_cell(run: Run) -> dict[Cell, pd.DataFrame]:
    """Return the windows of each cell."""
    parts = cast("Iterable[tuple[tuple[Any, ...], pd.DataFrame]]", run.windows.groupby(CELL, sort=False))
    return {Cell(*cell): windows for cell, windows in parts}


def logs(figures: dict[ratios.Visit, float]) -> list[float]:
    """Return the mean logarithm of each launch's figures."""
    by_launch: dict[int, list[float]] = {}
    for (pass_, _), figure in figures.items():
        if figure > 0:
            by_launch.setdefault(pass_, []).append(math.log(figure))
    return [float(np.mean(each)) for each in by_launch.values()]
