"""A request: the cells to select from, and the plan made of the selected ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.interpreters import affinity
from bench.interpreters.interpreter import Interpreter
from bench.planning.resume import Interrupted
from bench.planning.starvation import refuse_starvation
from bench.schema.cell import Cell
from bench.schema.plan import Plan, Settings
from bench.schema.run_meta import Gap
from servers.deployed import EVERY
from servers.workloads import WORKLOADS


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest(Settings):
    """A request: settings, the parts of the cells to select from, and where the results go.

    Attributes:
        interpreters: the interpreters, by name.
        models: keys of :data:`servers.deployed.EVERY`.
        workloads: keys of :data:`servers.workloads.WORKLOADS`, or of ``handlers``.
        clients: numbers of clients.
        results: folder below which the run's folder is created.
        name: suffix of that folder's name.
        resumed: the interrupted run to resume, if any.
    """

    interpreters: dict[str, Interpreter]
    models: list[str]
    workloads: list[str]
    clients: list[int]
    results: Path
    name: str
    resumed: Interrupted | None = None

    @property
    def gaps(self) -> list[Gap]:
        """Return what was asked for and cannot be had."""
        models = [
            Gap(interpreter.name, "needs CPython {}.{}".format(*EVERY[model].since), model=model)
            for model in self.models
            for interpreter in self.interpreters.values()
            if interpreter.release < EVERY[model].since
        ]
        workloads = [
            Gap(interpreter.name, f"needs the module {needs}, which it was built without", workload=workload)
            for workload in self.workloads
            if (needs := WORKLOADS[workload].needs if workload in WORKLOADS else "")
            for interpreter in self.interpreters.values()
            if needs in interpreter.build.missing
        ]
        return [*models, *workloads]

    @property
    def cells(self) -> list[Cell]:
        """Return every combination that can be had: what can be selected from."""
        gaps = {(gap.model or gap.workload, gap.interpreter) for gap in self.gaps}
        return [
            Cell(model, workload, clients, interpreter)
            for workload in self.workloads
            for model in self.models
            for clients in self.clients
            for interpreter in self.interpreters
            if gaps.isdisjoint({(model, interpreter), (workload, interpreter)})
            and (self.resumed is None or Cell(model, workload, clients, interpreter) in self.resumed.plan.cells)
        ]

    def plan(self, cells: Iterable[Cell]) -> Plan:
        """Return the plan for some of the cells.

        Raises:
            GilbenchError: a model would never serve some of a cell's clients.
        """
        cells = tuple(cells)
        planned = [self.interpreters[name] for name in dict.fromkeys(cell.interpreter for cell in cells)]
        cpus = {interpreter.name: count for interpreter in planned if (count := interpreter.changed.cpus) is not None}
        plan = Plan(
            cells=cells,
            cpus=cpus,
            generator_cpus=affinity.left_over(cpus.values()) if cpus else (),
            **self.settings(),
        )
        refuse_starvation(plan)
        return plan
