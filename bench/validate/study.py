"""Types of a study and of its observations."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.schema.validation_meta import RowMeta


class Known(enum.StrEnum):
    """Source of a truth."""

    ARITHMETIC = "arithmetic"
    CONSTRUCTION = "construction"
    THEORY = "theory"
    COUNTING = "counting"
    INSTRUMENT = "second instrument"


class Observed(NamedTuple):
    """One figure and its truth, both in the row's unit."""

    value: float
    truth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure that is compared with its truth.

    Attributes:
        name: unique within the suite.
        says: what is measured and why its truth is known, one sentence.
        known: where the truth comes from.
        unit: unit of value, truth and bound: "share", "ms", "%", "requests", "cores".
        bound: deviation that still agrees.
        yes_or_no: each observation is 1 or 0, and their frequency is judged.
    """

    name: str
    says: str
    known: Known
    unit: str
    bound: float
    yes_or_no: bool = False


Observations = Mapping[str, Observed | Sequence[Observed]]
"""Observations of one repetition, by the row's name; a missing row was not observed this time."""


@dataclass(frozen=True, slots=True)
class Study:
    """An experiment that can be repeated.

    Attributes:
        name: its name, for ``--only``.
        rows: the figures that it observes.
        observe: runs it once; raises GilbenchError if that is not possible.
    """

    name: str
    rows: tuple[Row, ...]
    observe: Callable[[], Observations]

    def table(self) -> dict[str, RowMeta]:
        """Return its rows for ``run.json``, by name."""
        return {
            row.name: RowMeta(
                study=self.name,
                says=row.says,
                known=row.known.value,
                unit=row.unit,
                bound=row.bound,
                yes_or_no=row.yes_or_no,
            )
            for row in self.rows
        }


class Gap(NamedTuple):
    """A study that this machine cannot do, and why."""

    name: str
    reason: str
