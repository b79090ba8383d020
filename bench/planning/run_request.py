"""What was asked for: which cells can be had, and the plan that is made of those that are selected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.interpreters import affinity
from bench.interpreters.discovery import Interpreter
from bench.planning.plan import Plan
from bench.planning.resume import Interrupted
from bench.schema.cell import Cell
from servers.models import MODELS


class Gap(NamedTuple):
    """A model that an interpreter cannot run, and why."""

    model: str
    interpreter: str
    reason: str

    def __str__(self) -> str:
        return f"{self.model} under {self.interpreter} {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What was asked for.

    Attributes:
        interpreters: the interpreters, by name.
        models: keys of :data:`servers.models.MODELS`.
        workloads: keys of :data:`servers.workloads.WORKLOADS`, or of ``handlers``.
        handlers: the user's own, as ``--workload`` takes them, by the name of the function.
        request: what those are asked.
        objective: what the recommendation is for.
        clients: numbers of clients.
        requests_per_connection: requests per connection; ``None``: keep-alive.
        passes: visits to every cell.
        rounds: windows of each launch.
        window_s: length of a window; ``None``: as the budget allows.
        warmup_s: unmeasured load before the first window of a launch.
        precision: to which the ratios are to be known; ``None``: so many passes.
        same_within: ratios that differ from 1 by less count as the same.
        baseline: name of the interpreter that others are compared with.
        fixed_layout: no address randomisation for the servers.
        budget_s: time for measuring and drawing.
        results: folder below which the run's folder is made.
        name: ends that folder's name.
        seed: of the random order.
        resumed: the run that is gone on with.
    """

    interpreters: dict[str, Interpreter]
    models: list[str]
    workloads: list[str]
    handlers: dict[str, str]
    request: str
    objective: str
    clients: list[int]
    requests_per_connection: int | None
    passes: int
    rounds: int
    window_s: float | None
    warmup_s: float
    precision: float | None
    same_within: float
    baseline: str
    fixed_layout: bool
    budget_s: float
    results: Path
    name: str
    seed: int
    resumed: Interrupted | None = None

    @property
    def gaps(self) -> list[Gap]:
        """Return what was asked for and cannot be had."""
        return [
            Gap(model, interpreter.name, "needs CPython {}.{}".format(*MODELS[model].since))
            for model in self.models
            for interpreter in self.interpreters.values()
            if interpreter.release < MODELS[model].since
        ]

    @property
    def cells(self) -> list[Cell]:
        """Return every combination that can be had: what can be selected from."""
        gaps = {(gap.model, gap.interpreter) for gap in self.gaps}
        return [
            Cell(model, workload, clients, interpreter)
            for workload in self.workloads
            for model in self.models
            for clients in self.clients
            for interpreter in self.interpreters
            if (model, interpreter) not in gaps
            and (self.resumed is None or Cell(model, workload, clients, interpreter) in self.resumed.plan.cells)
        ]

    def plan(self, cells: Iterable[Cell]) -> Plan:
        """Return the plan for some of the cells.

        Raises:
            GilbenchError: a model could never serve a cell's clients.
        """
        cells = tuple(cells)
        planned = [self.interpreters[name] for name in dict.fromkeys(cell.interpreter for cell in cells)]
        cpus = {interpreter.name: count for interpreter in planned if (count := interpreter.changed.cpus) is not None}
        return Plan(
            cells=cells,
            cpus=cpus,
            generator_cpus=affinity.left_over(cpus.values()) if cpus else (),
            passes=self.passes,
            rounds=self.rounds,
            window_s=self.window_s,
            warmup_s=self.warmup_s,
            precision=self.precision,
            same_within=self.same_within,
            baseline=self.baseline,
            fixed_layout=self.fixed_layout,
            budget_s=self.budget_s,
            requests_per_connection=self.requests_per_connection,
            seed=self.seed,
            handlers=self.handlers,
            request=self.request,
            objective=self.objective,
        )
