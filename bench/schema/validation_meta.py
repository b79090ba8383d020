"""``run.json`` of a validation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bench.schema.build import Build
from bench.schema.run_meta import Machine, State

OBSERVATIONS: Final = "observations.jsonl"
VALIDATION_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMeta:
    """A row of the suite.

    Attributes:
        study: name of the study that observes it.
        says: what is measured, and why its value is known.
        known: how its value is known: ``arithmetic``, ``construction``, ``theory``, ``counting`` or ``second
            instrument``.
        unit: unit of its figures.
        bound: largest deviation that agrees, in this unit.
        yes_or_no: each observation is 1 or 0.
    """

    study: str
    says: str
    known: str
    unit: str
    bound: float
    yes_or_no: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbedAbove:
    """Limits above which an observation does not count.

    Attributes:
        foreign_cores: CPU time that other programs used, in cores.
        steal_share: share of the CPU time that the machine's host took.
    """

    foreign_cores: float
    steal_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationMeta:
    """The content of ``run.json``.

    Attributes:
        schema: version of the layout of this file and of the observations.
        created: when the first study began, UTC.
        state: ``running``, ``complete``, or ``partial``: it was ended early.
        command: the command line.
        machine: the machine.
        control: the interpreter of the harness, and the versions of the packages that it uses.
        interpreters: the build of each interpreter, by its name.
        budget_s: its time budget.
        disturbed_above: limits above which an observation does not count.
        rows: the rows, by name.
        gaps: studies that this machine cannot do, and why.
        elapsed_s: time that it took; ``None``: unknown.
    """

    schema: int = VALIDATION_SCHEMA
    created: str = ""
    state: State = State.RUNNING
    command: str = ""
    machine: Machine
    control: dict[str, str]
    interpreters: dict[str, Build]
    budget_s: float
    disturbed_above: DisturbedAbove
    rows: dict[str, RowMeta] = field(default_factory=dict)
    gaps: dict[str, str] = field(default_factory=dict)
    elapsed_s: float | None = None
