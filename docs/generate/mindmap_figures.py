"""The figures of the mind map, all from the example run."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, Final, TypeVar

import pandas as pd

from bench.analysis import micro
from bench.analysis.load import Run, read_run
from bench.analysis.stats import Spread, pass_spreads, pick, speedups
from bench.narrative import wording
from bench.report.micro.tables import duration
from loadgen.errors import GilbenchError

T = TypeVar("T")

MICRO: Final = "micro"  # folder of the microbenchmarks in a run's folder


class Figures:
    """Figures of the example run and its microbenchmarks, as the mind map shows them.

    Args:
        folder: folder of the run.

    Raises:
        GilbenchError: the folder does not hold a run with microbenchmarks.
    """

    def __init__(self, folder: Path) -> None:
        self.run: Run = read_run(folder)
        self._micro = micro.load_micro(folder / MICRO)
        self._against_serial = speedups(self.run.windows)

    @property
    def clients(self) -> int:
        """The largest number of clients."""
        return int(self.run.values("clients")[-1])

    def speedup(self, model: str, workload: str, interpreter: str) -> Spread:
        """Return a model's throughput as a multiple of serial's, with most clients, over passes."""
        return _require(pick(self._against_serial, (model, workload, self.clients, interpreter)), model, interpreter)

    def cores(self, model: str, workload: str, interpreter: str) -> str:
        """Return a model's effective cores, with most clients."""
        return wording.ratio(self._median("effective_cores", model, workload, interpreter))

    def gil_wait(self, model: str, workload: str, interpreter: str) -> str:
        """Return the share of a model's thread time spent waiting for the GIL, with most clients."""
        return f"{self._median('thread_gil_wait_share', model, workload, interpreter):.0%}"

    def time(self, name: str, interpreter: str) -> str:
        """Return the time of a microbenchmark: the geometric mean over rounds."""
        rows = self._micro.timed
        found = rows.loc[(rows["name"] == name) & (rows["interpreter"] == interpreter), "seconds"]
        return duration(micro.typical(_require(found.tolist() or None, name, interpreter)))

    def fact(self, name: str, figure: str, interpreter: str) -> float:
        """Return a count of a microbenchmark: the median over rounds."""
        rows = self._micro.facts
        here = (rows["name"] == name) & (rows["figure"] == figure) & (rows["interpreter"] == interpreter)
        return _median(rows.loc[here, "value"], name, interpreter)

    def _median(self, column: str, model: str, workload: str, interpreter: str) -> float:
        spread = pick(pass_spreads(self.run.windows, column), (model, workload, self.clients, interpreter))
        return _require(spread, model, interpreter).middle


def _require(found: T | None, what: str, interpreter: str) -> T:
    if found is None:
        raise GilbenchError(
            f"the example run has nothing about {what} on {interpreter}: measure it, or draw another one"
        )
    return found


def _median(values: pd.Series[Any], what: str, interpreter: str) -> float:
    return float(statistics.median(_require(values.tolist() or None, what, interpreter)))
