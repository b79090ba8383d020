"""The figures of the mind map, each from the example run."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, Final, TypeVar

import pandas as pd

from bench.analysis import wording
from bench.analysis.load import Run, read_run
from bench.analysis.micro import load as microscope
from bench.analysis.micro.tables import duration
from bench.analysis.stats import Spread, against_serial, over_passes, pick
from loadgen.errors import GilbenchError

T = TypeVar("T")

MICRO: Final = "micro"  # the microscope's folder in a run's


class Figures:
    """What the example run and its microscope say, as it is written.

    Args:
        folder: of the run.

    Raises:
        GilbenchError: it is no run with a microscope.
    """

    def __init__(self, folder: Path) -> None:
        self.run: Run = read_run(folder)
        self._micro = microscope.load(folder / MICRO)
        self._against_serial = against_serial(self.run.windows)

    @property
    def clients(self) -> int:
        """Most clients."""
        return int(self.run.values("clients")[-1])

    def speedup(self, model: str, workload: str, target: str) -> Spread:
        """Return how many times serial's throughput a model has, with most clients, over passes."""
        return _known(pick(self._against_serial, (model, workload, self.clients, target)), model, target)

    def cores(self, model: str, workload: str, target: str) -> str:
        """Return its effective cores, with most clients."""
        return wording.ratio(self._median("effective_cores", model, workload, target))

    def gil_wait(self, model: str, workload: str, target: str) -> str:
        """Return which share of its threads' time waits for the GIL, with most clients."""
        return f"{self._median('split_gil_wait_share', model, workload, target):.0%}"

    def time(self, name: str, target: str) -> str:
        """Return what something under the microscope takes: the median over rounds."""
        rows = self._micro.timed
        return duration(_median(rows.loc[(rows["name"] == name) & (rows["target"] == target), "seconds"], name, target))

    def fact(self, name: str, figure: str, target: str) -> float:
        """Return what was counted under the microscope: the median over rounds."""
        rows = self._micro.facts
        here = (rows["name"] == name) & (rows["figure"] == figure) & (rows["target"] == target)
        return _median(rows.loc[here, "value"], name, target)

    def _median(self, column: str, model: str, workload: str, target: str) -> float:
        spread = pick(over_passes(self.run.windows, column), (model, workload, self.clients, target))
        return _known(spread, model, target).median


def _known(found: T | None, what: str, target: str) -> T:
    if found is None:
        raise GilbenchError(f"the example run has nothing about {what} on {target}: measure it, or draw another one")
    return found


def _median(values: pd.Series[Any], what: str, target: str) -> float:
    return float(statistics.median(_known(values.tolist() or None, what, target)))
