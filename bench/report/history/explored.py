"""Data for a history's script: each series with its points and changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bench.analysis.history.changes import Change
from bench.analysis.history.series import Point, Series
from bench.narrative import wording
from bench.report.explore import round_figures
from bench.stats.ratios import Ratio


def explorer_data(series: Sequence[Series], found: Sequence[Change]) -> dict[str, Any]:
    """Return the data of the page, see :mod:`bench.report.explore`."""
    run = {key: place for place, key in enumerate(sorted({_run(point) for one in series for point in one.points}))}
    names = {
        "model": _met(one.group[0] for one in series),
        "workload": _met(one.group[1] for one in series),
        "interpreter": _met(one.interpreter for one in series),
    }
    machines = _met(one.conditions.machine for one in series)
    return {
        "decimals": wording.formatting(),
        "dims": {
            **{name: list(places) for name, places in names.items()},
            "clients": sorted({one.group[2] for one in series}),
        },
        "free": [name for name in names["interpreter"] if any(_free(one) for one in series if one.interpreter == name)],
        "machines": list(machines),
        "runs": [{"name": name, "at": f"{at:%Y-%m-%d %H:%M}", "day": f"{at:%Y-%m-%d}"} for at, name in run],
        "cells": {
            "model": [names["model"][one.group[0]] for one in series],
            "workload": [names["workload"][one.group[1]] for one in series],
            "interpreter": [names["interpreter"][one.interpreter] for one in series],
            "clients": [one.group[2] for one in series],
            "figure": [one.figure for one in series],
            "baseline": [one.baseline for one in series],
            "machine": [machines[one.conditions.machine] for one in series],
            "points": [[[run[_run(at)], *_describe(at.value), at.version] for at in one.points] for one in series],
            "changes": [
                [
                    [run[_run(change.after)], *_describe(change.ratio), ", ".join(change.differs)]
                    for change in found
                    if change.series is one
                ]
                for one in series
            ],
        },
    }


def _run(point: Point) -> tuple[datetime, str]:
    return point.at, point.run


def _met(names: Iterable[str]) -> Mapping[str, int]:
    """Return names with their indices, in order of first appearance."""
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _free(series: Series) -> bool:
    return series.points[-1].free


def _describe(value: Ratio) -> list[float | None]:
    return round_figures((value.ratio, value.low, value.high))
