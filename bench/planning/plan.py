"""What is measured, and in which order.

A pass visits every cell once. Cells that differ in the interpreter alone are one group: their servers start together
and windows alternate between them, so that drift of the machine hits all interpreters alike. Groups come in random
order, and so do the interpreters in each round of windows.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bench.errors import GilbenchError
from bench.schema.cell import PLURALS, Cell, Group
from bench.stats.ratios import SAME_WITHIN
from servers.models import MODELS, default_workers

WARMUP_S = 0.06
WARMUP_JIT_S = 0.6
SETTLE_S = 0.01
THREAD_ACCOUNTING_FROM_S = 0.2


COMPUTING_CLIENTS = (0, 1, 2, 4)
"""Numbers of computing clients with ``mixed``, unless one is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run before it is made.

    Attributes:
        cells: what was selected.
        passes: visits to every cell.
        budget_s: time for everything after set-up, drawing included.
        requests_per_connection: requests per connection; ``None``: keep-alive.
        seed: of the random order.
        handlers: of the user's own, by the name of the workload.
        request: what those are asked.
        objective: what the recommendation is for.
        rounds: windows of each launch of the servers, alternating between the interpreters.
        window_s: length of a window; ``None``: as the budget allows.
        precision: go on until every ratio to the baseline is known to within this share, or the budget is spent;
            ``None``: so many passes.
        same_within: ratios that differ from 1 by less than this share count as the same.
        baseline: the interpreter that others are compared with.
        fixed_layout: the servers run without address randomisation.
        warmup_s: unmeasured load before the first window of a launch.
        cpus: how many the servers of an interpreter are pinned to, by its name; one that is not in it may use all.
        generator_cpus: where the load generator runs while those are measured: CPUs that none of them is pinned to;
            empty: there are none, so that it shares theirs.

    Raises:
        GilbenchError: a model could never serve a cell's clients.
    """

    cells: tuple[Cell, ...]
    passes: int
    budget_s: float
    requests_per_connection: int | None
    seed: int
    handlers: dict[str, str] = field(default_factory=dict)
    request: str = "hello"
    objective: str = "throughput"
    rounds: int = 1
    window_s: float | None = None
    precision: float | None = None
    same_within: float = SAME_WITHIN
    baseline: str = ""
    fixed_layout: bool = False
    warmup_s: float = WARMUP_S
    cpus: dict[str, int] = field(default_factory=dict)
    generator_cpus: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.requests_per_connection is not None:
            return
        for cell in self.cells:
            at_once = MODELS[cell.model].clients_at_once(self.cpus.get(cell.interpreter, default_workers()))
            if at_once is not None and cell.clients > at_once:
                served = "1 client" if at_once == 1 else f"{at_once} clients"
                raise GilbenchError(
                    f"{cell.model} serves {served} at a time: with --requests-per-connection keep-alive the others of "
                    f"{cell.clients} would wait for ever: leave {cell.model} out, or give --requests-per-connection 10"
                )

    @property
    def windows(self) -> int:
        return len(self.cells) * self.passes * self.rounds

    @property
    def groups(self) -> list[Group]:
        return list(dict.fromkeys(cell.group for cell in self.cells))

    def serves(self, cell: Cell) -> str:
        """Return the ``--workload`` of a cell's server: a workload's name, or the place of a user's handler."""
        return self.handlers.get(cell.workload, cell.group.served)

    def order(self, pass_: int) -> Iterator[list[list[Cell]]]:
        """Yield each group of a pass as its rounds of cells, in the random order that the seed gives."""
        rng = random.Random(f"{self.seed}/{pass_}")  # noqa: S311 - an order, not a secret
        groups = self.groups
        rng.shuffle(groups)
        for group in groups:
            cells = [cell for cell in self.cells if cell.group == group]
            yield [rng.sample(cells, len(cells)) for _ in range(self.rounds)]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Plan:
        """Return a plan that :meth:`to_dict` wrote; keys that this version does not know are left out.

        Raises:
            LookupError, TypeError: it is no such plan.
            GilbenchError: a model could never serve a cell's clients.
        """
        parts = (raw[name] for name in PLURALS.values())
        cells = {cell.name: cell for cell in itertools.starmap(Cell, itertools.product(*parts))}
        known = {spec.name: raw[spec.name] for spec in fields(cls) if spec.name in raw}
        planned = tuple(cells[name] for name in raw["cells"])
        return cls(**(known | {"cells": planned, "generator_cpus": tuple(raw.get("generator_cpus") or ())}))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as it stands in ``run.json``."""
        parts = {
            name: list(dict.fromkeys(getattr(cell, part) for cell in self.cells)) for part, name in PLURALS.items()
        }
        return asdict(self) | {"cells": [cell.name for cell in self.cells], **parts}
