"""The highest rate that still holds an objective, found by raising the rate and then bisecting."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loadgen.errors import GilbenchError
from loadgen.execution import run
from loadgen.load import MAX_RPS, Load
from loadgen.objective import Objective
from loadgen.result import LoadResult

FIRST_RPS: Final = 100.0
RAISE_BY: Final = 2.0
BRACKET: Final = 1.05
"""The search ends when the lowest rate that fails is at most this times the highest that holds."""

BEYOND: Final = 20
"""Requests that must lie beyond a percentile for it to be reported: with 20 its rank is known within 44% (1.96/√20)."""

SHORTEST_S: Final = 1.0
KEPT_UP_ABOVE: Final = 0.98


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried.

    Attributes:
        rate_rps: what was intended.
        holds: every objective held, and the server kept up with the rate.
        result: what was measured.
    """

    rate_rps: float
    holds: bool
    result: LoadResult


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a search found.

    Attributes:
        objectives: what was to hold.
        steps: the rates tried, in the order in which they were.
        holds_rps: the highest rate at which they held; ``None`` if at none.
        fails_rps: the lowest rate above it at which they did not; ``None`` if it was not reached.
    """

    objectives: tuple[Objective, ...]
    steps: tuple[Step, ...]
    holds_rps: float | None
    fails_rps: float | None

    @property
    def is_bracketed(self) -> bool:
        return self.holds_rps is not None and self.fails_rps is not None and self.fails_rps <= self.holds_rps * BRACKET


def find_capacity(
    load: Load,
    objectives: Sequence[Objective],
    *,
    on_step: Callable[[Step], None] = lambda _: None,
    cancel: threading.Event | None = None,
) -> Capacity:
    """Search the highest rate at which ``load`` holds all objectives.

    From ``load.rate_rps`` (or 100/s) the rate doubles until an objective fails, or halves until they hold; then the
    bracket is bisected, in equal ratios, until it is within 5%. A step lasts for ``load.duration_s`` and in any case
    long enough for :data:`BEYOND` requests beyond the highest percentile asked for: with fewer, a single slow request
    could decide. A rate with which the server did not keep up fails, whatever its percentiles.

    Raises:
        GilbenchError: an objective asks for a rate, which is what is searched.
    """
    for objective in objectives:
        if objective.figure == "rate":
            raise GilbenchError(
                f"{objective.text!r} asks for a rate, but the rate is what is searched: ask for p99 or errors"
            )
    cancel = cancel or threading.Event()
    steps: list[Step] = []

    def attempt(rate_rps: float) -> bool:
        duration_s = max(load.duration_s, _shortest_s(rate_rps, objectives))
        result = run(replace(load, rate_rps=rate_rps, stages=(), duration_s=duration_s), cancel=cancel)
        kept_up = result.throughput_rps + result.failed / max(result.wall_s, 1e-9) >= KEPT_UP_ABOVE * rate_rps
        step = Step(rate_rps, kept_up and all(one.holds(result) for one in objectives), result)
        if not cancel.is_set():
            steps.append(step)
            on_step(step)
        return step.holds

    rate_rps = load.rate_rps or FIRST_RPS
    holds_rps: float | None = None
    fails_rps: float | None = None
    while not cancel.is_set() and (holds_rps is None or fails_rps is None):
        if attempt(rate_rps):
            holds_rps = rate_rps
            rate_rps *= RAISE_BY
        else:
            fails_rps = rate_rps
            rate_rps /= RAISE_BY
        if not 1 <= rate_rps <= MAX_RPS:
            break
    while not cancel.is_set() and holds_rps and fails_rps and fails_rps > holds_rps * BRACKET:
        middle_rps = math.sqrt(holds_rps * fails_rps)
        if attempt(middle_rps):
            holds_rps = middle_rps
        else:
            fails_rps = middle_rps
    return Capacity(tuple(objectives), tuple(steps), holds_rps, fails_rps)


def _shortest_s(rate_rps: float, objectives: Sequence[Objective]) -> float:
    percents = [one.percent for one in objectives if one.percent is not None and one.percent < 100]
    needed = max((BEYOND / (1 - percent / 100) for percent in percents), default=BEYOND)
    return max(SHORTEST_S, needed / rate_rps)
