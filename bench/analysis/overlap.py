"""Whether each model overlaps requests under each interpreter, by its speed-up over serial and effective cores."""

from __future__ import annotations

import functools
from typing import Any, Final, NamedTuple

import pandas as pd

from bench.analysis.disturbance import is_speedup_disturbed
from bench.analysis.load import Run
from bench.analysis.stats import Answer, Spread, pass_spreads, pick, speedups
from bench.schema.cell import MIXED, Cell

OVERLAPS_ABOVE: Final = 1.2  # times serial; more than noise and the generator's share of the CPUs can cause
SEVERAL_CORES_ABOVE: Final = 1.2  # effective cores; more than an accounting tick at each edge of a window

WAITS: Final = "io"
COMPUTES: Final = "cpu"


class Seen(NamedTuple):
    """Observations of a model on one workload, at its highest number of clients.

    Attributes:
        workload: the workload.
        clients: the number of clients.
        speedup: throughput over serial's; ``None`` without serial.
        cores: effective cores.
        contended: the load generator competed for the CPUs.
        disturbed: its windows, or serial's, were disturbed.
        cpus: CPUs that the server could use; ``None``: unknown.
    """

    workload: str
    clients: int
    speedup: Spread | None
    cores: Spread | None
    contended: bool
    disturbed: bool
    cpus: float | None = None

    @property
    def one_cpu(self) -> bool:
        """Whether no computing could overlap: the server had no more than one CPU, by pinning, quota or machine."""
        return self.workload == COMPUTES and self.cpus is not None and self.cpus <= SEVERAL_CORES_ABOVE

    @property
    def verdict(self) -> Answer | None:
        """Whether requests overlap; ``None`` if unknown: serial was not measured, or there is only one client.

        Overlapping computation shows in both the speed-up and the cores in use. A speed-up on one core, for example
        when other programs slowed serial down, is not conclusive; without either, computing does not overlap.
        """
        if self.speedup is None or self.clients == 1:
            return None
        if self.disturbed or self.one_cpu:
            return Answer.UNCLEAR
        faster = self.speedup.above(OVERLAPS_ABOVE)
        if self.workload != COMPUTES or self.cores is None:
            return faster
        return _COMPUTING[faster, self.cores.above(SEVERAL_CORES_ABOVE)]


_COMPUTING: Final = {
    (Answer.YES, Answer.YES): Answer.YES,
    (Answer.YES, Answer.UNCLEAR): Answer.UNCLEAR,
    (Answer.YES, Answer.NO): Answer.UNCLEAR,
    (Answer.UNCLEAR, Answer.YES): Answer.UNCLEAR,
    (Answer.UNCLEAR, Answer.UNCLEAR): Answer.UNCLEAR,
    (Answer.UNCLEAR, Answer.NO): Answer.NO,
    (Answer.NO, Answer.YES): Answer.NO,
    (Answer.NO, Answer.UNCLEAR): Answer.NO,
    (Answer.NO, Answer.NO): Answer.NO,
}
"""By whether it is faster than serial, and whether it uses several cores."""


@functools.lru_cache(maxsize=4)
def find_overlaps(run: Run) -> dict[tuple[str, str], list[Seen]]:
    """Return the observations of each model under each interpreter: by interpreter, models in the plan's order."""
    faster, cores = speedups(run.windows), pass_spreads(run.windows, "effective_cores")
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
            cell = Cell(model, workload, clients, interpreter)
            codes = {w.get("code") for ws in rows.loc[rows["clients"] == clients, "warnings"] for w in ws}
            at_once = (pick(faster, cell), pick(cores, cell))
            cpus = min(filter(None, (run.pinned_cpus(interpreter), run.cpus)), default=None)
            of.append(Seen(workload, clients, *at_once, "contended" in codes, is_speedup_disturbed(run, cell), cpus))
    return {subject: of for subject, of in found.items() if of}
