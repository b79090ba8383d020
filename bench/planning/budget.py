"""The time budget of a run: how long windows may last so that everything ends in time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from bench.errors import InvalidInput
from bench.planning.defaults import SETTLE_S
from bench.schema.plan import Plan

FLOOR_S = 0.3
CAP_S = 5.0
EDGES_S = 0.03
"""Reading clocks at both edges of a window, and writing its record."""

FEWEST_PASSES = 3  # for a meaningful interval
DRAWING_S = 8.0
DRAWING_PER_CELL_S = 0.06


@dataclass(slots=True)
class Budget:
    """Time left for a plan.

    Attributes:
        plan: the plan.
        overhead_s: overhead of a window: its share of starting and stopping servers, warm-up, readings.
        began_s: when the time started, on the monotonic clock.
    """

    plan: Plan
    overhead_s: float
    began_s: float

    @classmethod
    def start(cls, plan: Plan, start_and_stop_s: float) -> Budget:
        """Let the time run.

        Args:
            plan: what is to be done in it.
            start_and_stop_s: what that takes for the servers of a group, as tried out.

        Raises:
            InvalidInput: even the shortest windows would take longer; the message says how long.
        """
        budget = cls.planned(plan, start_and_stop_s)
        if budget.refusal:
            raise InvalidInput(budget.refusal)
        return budget

    @classmethod
    def planned(cls, plan: Plan, start_and_stop_s: float, used_s: float = 0.0) -> Budget:
        """Return what :meth:`start` does, also for a plan that does not fit, or a run that is resumed."""
        groups_a_window = len(plan.groups) / len(plan.cells)
        first_s = start_and_stop_s * groups_a_window + plan.warmup_s + EDGES_S
        overhead_s = (first_s + (plan.rounds - 1) * (SETTLE_S + EDGES_S)) / plan.rounds
        return cls(plan, overhead_s, time.monotonic() - used_s)

    @property
    def refusal(self) -> str:
        """Why the plan does not fit, with the remedy; empty if it does."""
        plan, least_s = self.plan, self.plan.window_s or FLOOR_S
        windows = plan.windows if plan.precision is None else len(plan.cells) * plan.rounds * FEWEST_PASSES
        needed_s = self.drawing_s + windows * (self.overhead_s + least_s)
        if needed_s <= plan.budget_s:
            return ""
        return (
            f"{windows} windows of at least {least_s:g} s do not fit in --budget {plan.budget_s:g}s: "
            f"give --budget {math.ceil(needed_s * 1.05)}s, fewer --passes, or narrow the plan"
        )

    @property
    def used(self) -> float:
        """Share of the time for measuring that has passed."""
        return (time.monotonic() - self.began_s) / (self.plan.budget_s - self.drawing_s)

    @property
    def spent(self) -> bool:
        """Whether the time for measuring is over."""
        return self.used >= 1

    @property
    def passes(self) -> int:
        """Number of passes that fit in the time, with windows of a given length."""
        assert self.plan.window_s is not None  # noqa: S101 - a plan that stops at precision has one
        pass_s = len(self.plan.cells) * self.plan.rounds * (self.overhead_s + self.plan.window_s)
        return int((self.plan.budget_s - self.drawing_s) / pass_s)

    def window_s(self, windows_done: int) -> float:
        """Return the length of the windows of the next pass, from the remaining time and the overhead so far."""
        if self.plan.window_s is not None:
            return self.plan.window_s
        elapsed_s = time.monotonic() - self.began_s
        left = self.plan.windows - windows_done
        left_s = self.plan.budget_s - self.drawing_s - elapsed_s
        return min(CAP_S, max(FLOOR_S, left_s / left - self.overhead_s))

    def learn(self, windows_done: int, in_windows_s: float) -> None:
        """Update the overhead to its mean so far."""
        elapsed_s = time.monotonic() - self.began_s
        self.overhead_s = (elapsed_s - in_windows_s) / windows_done

    @property
    def drawing_s(self) -> float:
        """Time reserved for drawing."""
        return DRAWING_S + DRAWING_PER_CELL_S * len(self.plan.cells)
