"""The single definition of each statistic, used wherever a number is shown.

The unit is the pass, since a server is launched once in each: several windows of a cell in one pass count as their
median. A *level* (a rate, a latency, a size) is the median over a cell's passes, with the lowest and highest of them:
its *range over passes*. With three passes this is not a confidence interval, and is not presented as one.

A *ratio* of two cells is paired by passes, so that slow drift of the machine cancels: the geometric mean over passes,
with its 95% confidence interval (:mod:`bench.stats.ratios`). So is the speed-up over serial. Interpreters are measured
side by side and compared round by round: see :mod:`bench.analysis.comparison`.
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
RATE: Final = "throughput_rps"


class Answer(enum.Enum):
    """Whether a spread lies above a threshold."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


class Spread(NamedTuple):
    """A statistic of a cell.

    Attributes:
        middle: median over the passes; of a ratio, the geometric mean.
        low: the lowest pass; of a ratio, the lower end of the 95% confidence interval. NaN with fewer than two passes.
        high: the highest pass; of a ratio, the upper end.
        passes: number of passes.
    """

    middle: float
    low: float
    high: float
    passes: int

    @property
    def has_range(self) -> bool:
        return not math.isnan(self.low)

    def above(self, threshold: float) -> Answer:
        """Return whether the whole range or interval lies above or below a threshold; without one, the single value."""
        low, high = (self.low, self.high) if self.has_range else (self.middle, self.middle)
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
    figures, errors = figures_by_pass(windows, RATE), _QuantisationErrors(windows)
    found = {}
    for cell, above in figures.items():
        serial = cell._replace(model=BASELINE)
        if (below := figures.get(serial)) and (one := _spread(above, below, errors(cell, serial))):
            found[cell] = one
    index = pd.MultiIndex.from_tuples([tuple(cell) for cell in found], names=CELL)
    return pd.DataFrame([tuple(one) for one in found.values()], index=index, columns=list(Spread._fields))


def paired_ratio(windows: pd.DataFrame, column: str, above: tuple[Any, ...], below: tuple[Any, ...]) -> Spread | None:
    """Return the ratio of a column between two cells; ``None`` without a pass in common."""
    figures, one, other = figures_by_pass(windows, column), Cell(*above), Cell(*below)
    error = _QuantisationErrors(windows)(one, other) if column == RATE else 0.0
    return _spread(figures.get(one, {}), figures.get(other, {}), error)


def figures_by_pass(windows: pd.DataFrame, column: str) -> dict[Cell, ratios.Figures]:
    """Return a column of each cell by pass."""
    figures: dict[Cell, ratios.Figures] = {}
    for *cell, pass_, figure in per_pass(windows, column)[[*CELL, "pass", column]].itertuples(index=False):
        figures.setdefault(Cell(*cell), {})[int(pass_), 0] = float(figure)
    return figures


class _QuantisationErrors:
    """Spread of a ratio of rates due to counting alone, for any two cells of some windows."""

    def __init__(self, windows: pd.DataFrame) -> None:
        self._counts = windows.groupby(CELL)["requests"].mean().to_dict()
        self._rounds = int(windows["round"].max()) + 1 if len(windows) else 1

    def __call__(self, above: Cell, below: Cell) -> float:
        counts = [float(self._counts.get(cell, 0.0)) for cell in (above, below)]
        return ratios.counting_error(*counts, rounds=self._rounds) if above != below and all(counts) else 0.0


def _spread(above: ratios.Figures, below: ratios.Figures, error: float) -> Spread | None:
    found = ratios.paired_ratio(above, below, quantisation_error=error)
    return None if found is None else Spread(found.ratio, found.low, found.high, found.launches)


def pick(frame: pd.DataFrame, key: tuple[Any, ...]) -> Spread | None:
    """Return a row of a frame from the functions above; ``None`` if it is missing or NaN."""
    if key not in frame.index:
        return None
    row = cast("pd.Series[float]", frame.loc[key])
    spread = Spread(float(row["middle"]), float(row["low"]), float(row["high"]), int(row["passes"]))
    return None if math.isnan(spread.middle) else spread


def per_pass(windows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a column's value in each pass of each cell, the median of its windows, one row each with the cell."""
    return windows.groupby([*CELL, "pass"], as_index=False)[[column]].median()


def _pass_spread(figures: pd.Series[float]) -> pd.DataFrame:
    levels = [name for name in figures.index.names if name != "pass"]
    spread = figures.groupby(level=levels).agg(["median", "min", "max", "count"])
    spread.columns = pd.Index(["middle", "low", "high", "passes"])
    spread[["low", "high"]] = spread[["low", "high"]].where(spread["passes"] > 1)
    return spread
