"""The single definition of each statistic, used wherever a number is shown.

The unit is the pass, since a server is launched once in each: several windows of a cell in one pass count as their
median. The figure of a cell is the median over its passes, with the lowest and highest of them: its *range over
passes*. With three passes this is not a confidence interval, and is not presented as one.

Ratios to serial are paired: both sides come from the same pass, so that slow drift of the machine cancels; median and
range are those of the passes' ratios. Interpreters are measured side by side and compared more precisely, with
confidence intervals: see :mod:`bench.stats.ratios` and :mod:`bench.analysis.comparison`.
"""

from __future__ import annotations

import enum
import math
from typing import Any, Final, NamedTuple, cast

import pandas as pd

from bench.schema.cell import Cell
from bench.stats import ratios

CELL: Final = list(Cell._fields)
BASELINE: Final = "serial"


class Answer(enum.Enum):
    """Whether a spread lies above a threshold."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


class Spread(NamedTuple):
    """A statistic of a cell.

    Attributes:
        median: median over the passes.
        low: the lowest pass; NaN with fewer than two.
        high: the highest pass; NaN with fewer than two.
        passes: number of passes.
    """

    median: float
    low: float
    high: float
    passes: int

    @property
    def has_range(self) -> bool:
        return not math.isnan(self.low)

    def above(self, threshold: float) -> Answer:
        """Return whether the whole range lies above or below a threshold; without a range, the single value."""
        low, high = (self.low, self.high) if self.has_range else (self.median, self.median)
        if low > threshold:
            return Answer.YES
        return Answer.NO if high < threshold else Answer.UNCLEAR


def pass_spreads(windows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the median and range over passes of a column.

    Returns:
        Indexed by :data:`CELL`, columns as in :class:`Spread`. Passes where the column is NaN do not count.
    """
    return _pass_spread(per_pass(windows, column).set_index([*CELL, "pass"])[column])


def speedups(windows: pd.DataFrame) -> pd.DataFrame:
    """Return each cell's throughput over serial's: same pass, interpreter, workload and clients.

    Returns:
        Indexed by :data:`CELL`, columns as in :class:`Spread`; cells without a serial counterpart are left out.
    """
    all_models = per_pass(windows, "throughput_rps")
    serial = all_models[all_models["model"] == BASELINE].drop(columns="model")
    return _paired_ratio(all_models, serial, CELL)


def paired_ratio(windows: pd.DataFrame, column: str, above: tuple[Any, ...], below: tuple[Any, ...]) -> Spread | None:
    """Return the ratio of a column between two cells, by :func:`bench.stats.ratios.paired_ratio` over passes.

    Returns:
        The geometric mean, and its 95% confidence interval as low and high; ``None`` without a pass in common.
    """
    by_cell: dict[Any, dict[ratios.Visit, float]] = {above: {}, below: {}}
    for *cell, pass_, figure in per_pass(windows, column).itertuples(index=False, name=None):
        if tuple(cell) in by_cell:
            by_cell[tuple(cell)][int(pass_), 0] = float(figure)
    found = ratios.paired_ratio(by_cell[above], by_cell[below])
    return None if found is None else Spread(found.ratio, found.low, found.high, found.launches)


def pick(frame: pd.DataFrame, key: tuple[Any, ...]) -> Spread | None:
    """Return a row of a frame from the functions above; ``None`` if it is missing or NaN."""
    if key not in frame.index:
        return None
    row = cast("pd.Series[float]", frame.loc[key])
    spread = Spread(float(row["median"]), float(row["low"]), float(row["high"]), int(row["passes"]))
    return None if math.isnan(spread.median) else spread


def per_pass(windows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a column's value in each pass of each cell, the median of its windows, one row each with the cell."""
    return windows.groupby([*CELL, "pass"], as_index=False)[[column]].median()


def _paired_ratio(above: pd.DataFrame, below: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    on = [name for name in [*index, "pass"] if name in below.columns]
    pairs = above.merge(below, on=on, suffixes=("", "_below"))
    divisor = pairs["throughput_rps_below"]
    pairs["ratio"] = pairs["throughput_rps"] / divisor.where(divisor > 0)  # nothing answered: no ratio, not infinity
    return _pass_spread(pairs.set_index([*index, "pass"])["ratio"])


def _pass_spread(figures: pd.Series[float]) -> pd.DataFrame:
    levels = [name for name in figures.index.names if name != "pass"]
    spread = figures.groupby(level=levels).agg(["median", "min", "max", "count"])
    spread.columns = pd.Index(["median", "low", "high", "passes"])
    spread[["low", "high"]] = spread[["low", "high"]].where(spread["passes"] > 1)
    return spread
