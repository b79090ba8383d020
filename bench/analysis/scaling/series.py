"""What is scaled: throughput over clients, and over the CPUs that a server is pinned to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from bench.analysis.load import Run
from bench.analysis.overlap import WAITS
from bench.analysis.scaling.laws import Floats
from bench.analysis.stats import CELL
from bench.schema.cell import MIXED

OVER_CLIENTS: Final = "clients"
OVER_CORES: Final = "cores"
_CPUS: Final = re.compile(r"\+cpus=(\d+)")

# In which order the laws are tried: of two that do equally well the first is taken.
_WAITING: Final = ("amdahl", "gustafson", "usl")
_OTHER: Final = ("amdahl", "usl")


class Value(NamedTuple):
    """One throughput: of how many, in which pass, in requests per second."""

    n: int
    pass_: int
    rate: float


@dataclass(frozen=True, slots=True)
class Series:
    """One model under one workload and interpreter, with more and more of something.

    Attributes:
        over: of what: ``clients`` or ``cores``.
        model: key of the models.
        workload: key of the workloads.
        interpreter: the interpreter; over cores its name without the number of CPUs.
        clients: over cores, how many there were; over clients ``None``.
        values: a value for each n and pass, the median of that pass's windows.
        like: name of an interpreter whose appearance in a plot it shares.
        cpus: over clients, the CPUs that the server could use; ``None`` where not known.
    """

    over: str
    model: str
    workload: str
    interpreter: str
    clients: int | None
    values: tuple[Value, ...]
    like: str
    cpus: int | None

    @property
    def n(self) -> Floats:
        return np.array([value.n for value in self.values], float)

    @property
    def rates(self) -> Floats:
        return np.array([value.rate for value in self.values], float)

    @property
    def counts(self) -> list[int]:
        return sorted({value.n for value in self.values})

    @property
    def laws(self) -> tuple[str, ...]:
        """Which laws can hold at all.

        Gustafson's is of work that grows with n and does not share what it runs on: so it is over clients that bring
        their own waiting (the workload ``io``). Clients that compute share the CPUs, and CPUs share the clients.
        """
        return _WAITING if self.over == OVER_CLIENTS and self.workload == WAITS else _OTHER


def all_series(run: Run) -> Iterator[Series]:
    """Yield the series over clients, then those over cores, in the plan's order.

    Quick clients of a server that others let compute (``mixed``) are left out: they are not all the load that there is.
    """
    windows = run.windows[~run.windows["workload"].str.startswith(MIXED)]
    medians = windows.groupby([*CELL, "pass"], as_index=False)["throughput_rps"].median()
    pinned = {
        interpreter: cpus
        for interpreter in run.values("interpreter")
        if (cpus := pinned_cpus(run, interpreter)) is not None
    }
    bases = {interpreter: _base(run, interpreter) for interpreter in pinned}
    for workload in run.values("workload"):
        for model in run.values("model"):
            here = medians[(medians["workload"] == workload) & (medians["model"] == model)]
            for interpreter in run.values("interpreter"):
                values = _values(here[here["interpreter"] == interpreter], "clients")
                if values:
                    cpus = pinned.get(interpreter, run.cpus)
                    yield Series(OVER_CLIENTS, model, workload, interpreter, None, values, interpreter, cpus)
            for base in dict.fromkeys(bases.values()):
                names = [interpreter for interpreter, other in bases.items() if other == base]
                rows = here[here["interpreter"].isin(names)].assign(cores=lambda rows: rows["interpreter"].map(pinned))
                for clients in sorted(set(rows["clients"])):
                    values = _values(rows[rows["clients"] == clients], OVER_CORES)
                    title = _CPUS.sub("", names[0])
                    yield Series(OVER_CORES, model, workload, title, int(clients), values, names[0], None)


def pinned_cpus(run: Run, interpreter: str) -> int | None:
    """Return how many CPUs the servers of an interpreter were pinned to; ``None``: to none."""
    found = _CPUS.search(run.variants(interpreter))
    return int(found[1]) if found else None


def _base(run: Run, interpreter: str) -> tuple[str, str]:
    """Return what interpreters that differ in the number of CPUs alone have in common."""
    build = run.meta.interpreters.get(interpreter)
    return build.executable if build else "unknown", _CPUS.sub("", run.variants(interpreter))


def _values(rows: pd.DataFrame, column: str) -> tuple[Value, ...]:
    answered = rows[rows["throughput_rps"] > 0].sort_values([column, "pass"])
    return tuple(
        Value(int(n), int(pass_), float(rate))
        for n, pass_, rate in answered[[column, "pass", "throughput_rps"]].itertuples(index=False, name=None)
    )
