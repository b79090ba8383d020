"""The plan of a run: which cells, how often, for how long and in which order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

import msgspec

from bench.schema.cell import PLURALS, Cell, Group

SAME_WITHIN: Final = 0.01
"""Ratios that differ from 1 by less count as the same, unless a plan says otherwise."""

WARMUP_S: Final = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How cells are measured, whichever are selected.

    Attributes:
        passes: visits to every cell.
        budget_s: time for everything after set-up, drawing included.
        requests_per_connection: requests per connection; ``None``: keep-alive.
        seed: seed of the random order.
        handlers: user handlers, by the name of the workload.
        path: what a user's application is asked for; ``None``: ``handlers`` are functions, not applications.
        request: the request sent to user handlers, or a template of several.
        requests: the requests sent to user handlers instead, if they were read from a file.
        request_order: in which several requests are sent: "sequence" or "random".
        objective: the objective of the recommendation.
        rounds: windows of each launch of the servers, alternating between the interpreters.
        window_s: length of a window; ``None``: as the budget allows.
        precision: measure until every ratio to the baseline is known to within this share, or the budget is spent;
            ``None``: measure ``passes`` passes.
        same_within: ratios that differ from 1 by less than this share count as the same.
        baseline: the interpreter that others are compared with.
        fixed_layout: the servers run without address randomisation.
        warmup_s: unmeasured load before the first window of a launch.
    """

    passes: int
    budget_s: float
    requests_per_connection: int | None
    seed: int
    handlers: dict[str, str] = field(default_factory=dict)
    path: str | None = None
    request: str = "hello"
    requests: tuple[str, ...] = ()
    request_order: str = "sequence"
    objective: str = "throughput"
    rounds: int = 1
    window_s: float | None = None
    precision: float | None = None
    same_within: float = SAME_WITHIN
    baseline: str = ""
    fixed_layout: bool = False
    warmup_s: float = WARMUP_S

    def settings(self) -> dict[str, Any]:
        """Return the settings alone, as keyword arguments of a subclass."""
        return {spec.name: getattr(self, spec.name) for spec in fields(Settings)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Settings):
    """A run before it is measured.

    A pass visits every cell once. Cells that differ only in the interpreter form a group: their servers start
    together and windows alternate between them, so that drift of the machine affects all interpreters alike. Groups
    come in random order, and so do the interpreters in each round of windows.

    Attributes:
        cells: the selected cells.
        cpus: the number of CPUs that the servers of an interpreter are pinned to, by its name; other interpreters may
            use all.
        generator_cpus: the CPUs of the load generator while pinned servers are measured, to which none of them is
            pinned; empty: there are none, so it shares theirs.
    """

    cells: tuple[Cell, ...]
    cpus: dict[str, int] = field(default_factory=dict)
    generator_cpus: tuple[int, ...] = ()

    @property
    def windows(self) -> int:
        return len(self.cells) * self.passes * self.rounds

    @property
    def groups(self) -> list[Group]:
        return list(dict.fromkeys(cell.group for cell in self.cells))

    def values(self, part: str) -> list[Any]:
        """Return the values of a part of the cells, a key of :data:`~bench.schema.cell.PLURALS`, each once."""
        return list(dict.fromkeys(getattr(cell, part) for cell in self.cells))

    def serves(self, cell: Cell) -> str:
        """Return the ``--workload`` of a cell's server: the name of a workload, or the location of a user handler."""
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
        """Return a plan that :meth:`to_dict` wrote; keys that this version does not know are ignored.

        Raises:
            LookupError, TypeError, ValueError: it is not such a plan.
        """
        parts = (raw[name] for name in PLURALS.values())
        cells = {cell.name: cell for cell in itertools.starmap(Cell, itertools.product(*parts))}
        return msgspec.convert({**raw, "cells": [cells[name] for name in raw["cells"]]}, cls)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as the object in ``run.json``."""
        lists = {name: self.values(part) for part, name in PLURALS.items()}
        return asdict(self) | {"cells": [cell.name for cell in self.cells], **lists}
