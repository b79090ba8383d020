"""How long a window may last so that everything ends in time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from bench.errors import GilbenchError
from bench.plan import Plan

FLOOR_S = 0.3
CAP_S = 5.0
EDGES_S = 0.03
"""Reading the accounts at both edges of a window, and writing its record."""

DRAWING_S = 8.0
DRAWING_PER_CELL_S = 0.06


@dataclass(slots=True)
class Budget:
    """Time left for a plan.

    Attributes:
        plan: what is to be done in it.
        overhead_s: what a window costs beside itself: its share of starting and stopping servers, warm-up, accounts.
        began_s: when the time began to run, on the monotonic clock.
    """

    plan: Plan
    overhead_s: float
    began_s: float

    @classmethod
    def start(cls, plan: Plan, start_and_stop_s: float) -> Budget:
        """Let the time run; ``start_and_stop_s`` is what that takes for the servers of a group, as tried out.

        Raises:
            GilbenchError: even the shortest windows would take longer; the message says how long.
        """
        groups_a_window = len(plan.groups) / len(plan.cells)
        budget = cls(plan, start_and_stop_s * groups_a_window + plan.warmup_s + EDGES_S, time.monotonic())
        needed_s = budget._drawing_s + plan.windows * (budget.overhead_s + FLOOR_S)
        if needed_s > plan.budget_s:
            raise GilbenchError(
                f"{plan.windows} windows of at least {FLOOR_S:g} s do not fit in --budget {plan.budget_s:g}s: "
                f"give --budget {math.ceil(needed_s * 1.05)}s, fewer --passes, or narrow the plan"
            )
        return budget

    def window_s(self, windows_done: int) -> float:
        """Return the length of the windows of the next pass, from the time that is left and what has been learnt."""
        elapsed_s = time.monotonic() - self.began_s
        left = self.plan.windows - windows_done
        left_s = self.plan.budget_s - self._drawing_s - elapsed_s
        return min(CAP_S, max(FLOOR_S, left_s / left - self.overhead_s))

    def learn(self, windows_done: int, in_windows_s: float) -> None:
        """Correct the overhead by what it has been so far."""
        elapsed_s = time.monotonic() - self.began_s
        self.overhead_s = (elapsed_s - in_windows_s) / windows_done

    @property
    def _drawing_s(self) -> float:
        return DRAWING_S + DRAWING_PER_CELL_S * len(self.plan.cells)
