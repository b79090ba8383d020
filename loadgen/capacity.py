"""Search for the highest rate at which all objectives hold: raise the rate, then bisect."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loadgen.backlog import backlog
from loadgen.errors import GilbenchError
from loadgen.execution import run
from loadgen.limits import MAX_RPS
from loadgen.load import Load
from loadgen.objective import Objective
from loadgen.result import LoadResult

FIRST_RPS: Final = 100.0
RAISE_BY: Final = 2.0
BRACKET: Final = 1.05
"""The search ends when the lowest rate that fails is at most this multiple of the highest that holds."""

BEYOND: Final = 20
"""Requests that a step expects beyond a percentile: with 20, the number beyond it is known within 44% (1.96/√20)."""

SHORTEST_S: Final = 1.0
BEHIND_ABOVE: Final = 0.01
"""Share of a step's requests that may be left undone, beyond what is in flight at any time: a rate 2% too high, in a
step that begins with nothing in flight."""

DRAIN_S: Final = 1.0
"""How long a step waits for what is in flight at its end, so that slow replies count too."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried.

    Attributes:
        rate_rps: the intended rate.
        holds: whether every objective held and the server kept up with the rate.
        result: the measurements at that rate.
    """

    rate_rps: float
    holds: bool
    result: LoadResult


@dataclass(frozen=True, slots=True)
class Capacity:
    """The result of a search.

    Attributes:
        objectives: the objectives that had to hold.
        steps: the rates tried, in order.
        holds_rps: the highest rate at which the objectives held; ``None`` if there was none.
        fails_rps: the lowest rate above it at which they did not hold; ``None`` if none was reached.
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
    """Search for the highest rate at which all objectives hold for ``load``.

    From ``load.rate_rps`` (or 100/s) the rate doubles until an objective fails, or halves until all hold; then the
    bracket is bisected, in equal ratios, until it is within 5%. A step lasts ``load.duration_s`` or, if that is too
    short, long enough for :data:`BEYOND` requests beyond the highest percentile among the objectives: with fewer, a
    single slow request could decide. A rate that the server did not keep up with fails, even if its percentiles hold;
    replies that are in flight when a step ends are waited for, and are no sign of that
    (:func:`loadgen.backlog.backlog`).

    Raises:
        GilbenchError: an objective is a rate, which the search itself sets.
    """
    for objective in objectives:
        if objective.figure == "rate":
            raise GilbenchError(f"{objective.text!r} asks for a rate, but the search sets the rate: use p99 or errors")
    cancel = cancel or threading.Event()
    steps: list[Step] = []

    def attempt(rate_rps: float) -> bool:
        duration_s = max(load.duration_s, _shortest_s(rate_rps, objectives))
        stepped = replace(load, rate_rps=rate_rps, duration_s=duration_s, drain_s=load.drain_s or DRAIN_S)
        result = run(stepped, cancel=cancel)
        step = Step(rate_rps, _kept_up(result) and all(one.holds(result) for one in objectives), result)
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


def _kept_up(result: LoadResult) -> bool:
    found = backlog(result, BEHIND_ABOVE)
    return found is None or not (found.fallen_behind or found.waiting or result.connect_errors)


def _shortest_s(rate_rps: float, objectives: Sequence[Objective]) -> float:
    percents = [one.percent for one in objectives if one.percent is not None and one.percent < 100]
    needed = max((BEYOND / (1 - percent / 100) for percent in percents), default=BEYOND)
    return max(SHORTEST_S, needed / rate_rps)
