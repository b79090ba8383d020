"""Change points of a series, and the run in which each change appeared.

By optimal partitioning into segments of constant mean (PELT: Killick, Fearnhead and Eckley, JASA 107, 2012). The
penalty for each change is calibrated by simulation, for each length of a series, so that a series of independent normal
values without a change yields one in a hundred cases.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from skchange.detectors import PELT
from skchange.interval_scorers import L2Cost
from skchange.tuning import calibrate_penalty_scale_fwer

from bench.analysis.history.series import Point, Series
from bench.stats import ratios
from bench.stats.ratios import Ratio

FEWEST_RUNS: Final = 6
LEVEL: Final = 0.01
_SHORTEST: Final = 2  # runs: a single one may be an outlier
_QUIET_SHARE: Final = 0.75
_SIMULATIONS: Final = 999

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """A change in a series.

    Attributes:
        series: series that changed.
        before: last run before it.
        after: first run with it.
        ratio: mean after it / mean before it, up to the next change on either side; the interval treats the runs' means
            as independent, and ignores that this place was selected because it stands out.
        differs: what differs between the interpreters of the two runs.
    """

    series: Series
    before: Point
    after: Point
    ratio: Ratio
    differs: tuple[str, ...]


def changes(series: Series) -> list[Change]:
    """Return the changes in a series; none if it is shorter than :data:`FEWEST_RUNS`."""
    points = series.points
    if len(points) < FEWEST_RUNS:
        return []
    logs = np.array([math.log(point.value.ratio) for point in points])
    places = [0, *change_points(logs), len(logs)]
    return [
        _change(series, logs, begin, place, end)
        for begin, place, end in zip(places, places[1:], places[2:], strict=False)
    ]


def change_points(values: Values) -> list[int]:
    """Return the index of the first value of each segment except the first."""
    spread = _spread(values[:, None])
    if spread == 0:
        return []
    scaled = (values[:, None] - np.median(values)) / spread
    detector = _detector(penalty_scale=_scale(len(values)))
    return [int(place) for place in detector.fit(scaled).predict(scaled)]


def _detector(**settings: Any) -> PELT:
    return PELT(L2Cost(), min_segment_length=_SHORTEST, **settings)


@functools.cache
def _scale(length: int) -> float:
    """Return the scale of the penalty for a length of series."""

    def nothing_changes(_: object, samples: int, rng: np.random.Generator) -> Values:
        values = rng.normal(size=(samples, 1))
        return values / _spread(values)

    found = calibrate_penalty_scale_fwer(
        _detector(),
        target_n_samples=length,
        target_n_features=1,
        X=np.zeros((length, 1)),
        sampler=nothing_changes,
        level=LEVEL,
        n_simulations=_SIMULATIONS,
        random_state=0,
    )
    return float(found)


def _spread(values: Values) -> float:
    """Return the mean difference between neighbouring values, without the largest ones, which may be changes."""
    steps = np.sort(np.abs(np.diff(values, axis=0)), axis=0)
    return float(steps[: max(2, math.ceil(len(steps) * _QUIET_SHARE))].mean())


def _change(series: Series, logs: Values, begin: int, place: int, end: int) -> Change:
    before, after = series.points[place - 1], series.points[place]
    ratio = ratios.unpaired_ratio(list(logs[place:end]), list(logs[begin:place]))
    assert ratio is not None  # noqa: S101 - a segment has at least two runs
    differs = [name for name in after.build if after.build[name] != before.build.get(name)]
    if after.version != before.version:
        differs.insert(0, f"{before.version} → {after.version}")
    return Change(series, before, after, ratio, tuple(differs))


def all_changes(series: Sequence[Series]) -> list[Change]:
    """Return the changes in several series: newest first and, within a run, largest first."""
    found = [change for one in series for change in changes(one)]
    return sorted(found, key=lambda change: (change.after.at, abs(math.log(change.ratio.ratio))), reverse=True)
