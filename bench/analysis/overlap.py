"""What each model overlaps under each interpreter, judged by its speed-up over serial and its effective cores."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pandas as pd

from bench.analysis import launches
from bench.analysis.load import Run
from bench.analysis.stats import Answer, Spread, pass_spreads, pick, speedups
from bench.schema.cell import MIXED

OVERLAPS_ABOVE: Final = 1.2  # times serial; what noise and the generator's share of the CPUs do not make
SEVERAL_CORES_ABOVE: Final = 1.2  # effective cores; an accounting tick at each edge stays below

Key = tuple[str, str, int, str]  # a cell: model, workload, clients, interpreter

WAITS: Final = "io"
COMPUTES: Final = "cpu"


class Seen(NamedTuple):
    """What was seen of a model on one workload, at its highest number of clients."""

    workload: str
    clients: int
    speedup: Spread | None
    cores: Spread | None
    contended: bool
    disturbed: bool

    @property
    def verdict(self) -> Answer | None:
        """Whether requests overlap; ``None`` if unknown: serial was not measured, or there is one client only.

        Computing that overlaps shows twice, in the speed-up and in the cores in use; the one without the other, as when
        other programs slowed serial down, is no proof.
        """
        if self.speedup is None or self.clients == 1:
            return None
        if self.disturbed:
            return Answer.UNCLEAR
        verdict = self.speedup.above(OVERLAPS_ABOVE)
        one_core = self.cores is not None and self.cores.above(SEVERAL_CORES_ABOVE) is not Answer.YES
        return Answer.UNCLEAR if verdict is Answer.YES and self.workload == COMPUTES and one_core else verdict


def find_overlaps(run: Run) -> dict[tuple[str, str], list[Seen]]:
    """Return what was seen of each model under each interpreter: by interpreter, models in the plan's order."""
    faster, cores = speedups(run.windows), pass_spreads(run.windows, "effective_cores")
    disturbed_cells = disturbed(run)
    workloads = [name for name in run.values("workload") if not name.startswith(MIXED)]
    found: dict[tuple[str, str], list[Seen]] = {
        (model, interpreter): [] for interpreter in run.values("interpreter") for model in run.values("model")
    }
    of_subject: dict[Any, pd.DataFrame] = dict(iter(run.windows.groupby(["model", "interpreter", "workload"])))
    for (model, interpreter), of in found.items():
        for workload in workloads:
            rows = of_subject.get((model, interpreter, workload))
            if rows is None:
                continue
            clients = int(rows["clients"].max())
            key = (model, workload, clients, interpreter)
            codes = {w.get("code") for ws in rows.loc[rows["clients"] == clients, "warnings"] for w in ws}
            at_once = (pick(faster, key), pick(cores, key))
            of.append(Seen(workload, clients, *at_once, "contended" in codes, key in disturbed_cells))
    return {subject: of for subject, of in found.items() if of}


def disturbed(run: Run) -> set[Key]:
    """Return the cells in half of whose windows, or more, other programs or the machine's host took CPU time."""
    windows = launches.windows_by_cell(run)
    return {cell for cell, hit in launches.disturbed_visits(run).items() if len(hit) >= len(windows[cell]) / 2}
