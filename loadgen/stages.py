"""The intended rate over time: a sequence of stages, each with a constant rate or a ramp between two rates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """A period in which the rate is constant or changes linearly.

    Attributes:
        from_rps: rate at its beginning.
        to_rps: rate at its end.
        duration_s: its length.
    """

    from_rps: float
    to_rps: float
    duration_s: float

    @property
    def requests(self) -> float:
        return (self.from_rps + self.to_rps) / 2 * self.duration_s
