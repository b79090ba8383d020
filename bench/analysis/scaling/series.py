"""Series for scaling laws: throughput over clients, and over the CPUs that a server is pinned to."""

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

# Order in which the laws are tried: of two that fit equally well, the first is chosen.
_WAITING: Final = ("amdahl", "gustafson", "usl")
_OTHER: Final = ("amdahl", "usl")


class Value(NamedTuple):
    """One throughput: n, the pass, and requests per second."""

    n: int
    pass_: int
    rate: float


@dataclass(frozen=True, slots=True)
class Series:
    """One model under one workload and interpreter, over increasing clients or cores.

    Attributes:
        over: ``clients`` or ``cores``.
        model: name of the model.
        workload: name of the workload.
        interpreter: name of the interpreter; over cores, without the number of CPUs.
        clients: over cores, the number of clients; over clients, ``None``.
        values: a value for each n and pass, the median of that pass's windows.
        like: name of an interpreter whose appearance in a plot it shares.
        cpus: over clients, the number of CPUs that the server could use; ``None`` if unknown.
    """

    over: str
    model: str
    workload: str
    interpreter: str
    clients: int | None
    values: tuple[Value, ...]
    like: str
    cpus: float | None

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
        """The laws that may apply.

        Gustafson's law describes work that grows with n and does not share resources: over clients that only wait (the
        workload ``io``). Computing clients share the CPUs, and CPUs share the clients.
        """
        return _WAITING if self.over == OVER_CLIENTS and self.workload == WAITS else _OTHER


def all_series(run: Run) -> Iterator[Series]:
    """Yield the series over clients, then those over cores, in the plan's order.

    The workload ``mixed`` is left out: its quick clients are not the whole load of the server.
    """
    windows = run.windows[~run.windows["workload"].str.startswith(MIXED)]
    medians = windows.groupby([*CELL, "pass"], as_index=False)["throughput_rps"].median()
    pinned: dict[str, float | None] = {
        interpreter: cpus
        for interpreter in run.values("interpreter")
        if (cpus := run.pinned_cpus(interpreter)) is not None
    }
    bases = {interpreter: _base(run, interpreter) for interpreter in pinned}
    for workload in run.values("workload"):
        for model in run.values("model"):
            here = medians[(medians["workload"] == workload) & (medians["model"] == model)]
            for interpreter in run.values("interpreter"):
                values = _values(here[here["interpreter"] == interpreter], "clients")
                if values:
                    limit = pinned.get(interpreter, run.cpus)
                    yield Series(OVER_CLIENTS, model, workload, interpreter, None, values, interpreter, limit)
            for base in dict.fromkeys(bases.values()):
                names = [interpreter for interpreter, other in bases.items() if other == base]
                rows = here[here["interpreter"].isin(names)].assign(cores=lambda rows: rows["interpreter"].map(pinned))
                for clients in sorted(set(rows["clients"])):
                    values = _values(rows[rows["clients"] == clients], OVER_CORES)
                    title = _CPUS.sub("", names[0])
                    yield Series(OVER_CORES, model, workload, title, int(clients), values, names[0], None)


def _base(run: Run, interpreter: str) -> tuple[str, str]:
    """Return what interpreters that differ only in the number of CPUs have in common."""
    build = run.meta.interpreters.get(interpreter)
    return (build.program or build.executable) if build else "unknown", _CPUS.sub("", run.variants(interpreter))


def _values(rows: pd.DataFrame, column: str) -> tuple[Value, ...]:
    answered = rows[rows["throughput_rps"] > 0].sort_values([column, "pass"])
    return tuple(
        Value(int(n), int(pass_), float(rate))
        for n, pass_, rate in answered[[column, "pass", "throughput_rps"]].itertuples(index=False, name=None)
    )
