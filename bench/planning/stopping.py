"""When to stop measuring: after a number of passes, or when every ratio is known precisely.

A run that stops at a precision analyses its results at fixed shares of its time,
:data:`~bench.stats.ratios.INTERIM_SHARES`. Its intervals, no matter where it stopped, have the confidence of
:func:`~bench.stats.ratios.interim_confidence`, so that analysing more than once does not raise more false alarms.
Groups that are known precisely enough are no longer visited, and the others get their time.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.planning.budget import Budget
from bench.schema.cell import Cell, Group
from bench.schema.plan import Plan
from bench.schema.record import Record
from bench.stats import ratios

FEWEST_LAUNCHES = 5  # with fewer, a spread that is small by chance would be trusted


def precise_enough(ratio: ratios.Ratio | None, asked: float) -> bool:
    """Return whether a ratio is known to within the requested share."""
    return ratio is not None and ratio.launches >= FEWEST_LAUNCHES and ratio.precision <= asked


class Stopping:
    """Decides which groups still need windows."""

    def __init__(self, plan: Plan, budget: Budget) -> None:
        self._plan = plan
        self._budget = budget
        self._open = list(plan.groups)
        self._interim = [share for share in ratios.INTERIM_SHARES if share < 1]

    def wanted(self, pass_: int, records: Sequence[Record]) -> list[Group]:
        """Return the groups to visit in a pass; empty: stop."""
        if self._plan.precision is None:
            return self._open if pass_ < self._plan.passes else []
        if self._interim and self._budget.used >= self._interim[0]:
            self._interim = [share for share in self._interim if share > self._budget.used]
            self._open = [group for group in self._open if not self._enough(group, records)]
        return [] if self._budget.spent else self._open

    def known(self, group: Group, records: Sequence[Record]) -> dict[Cell, ratios.Ratio | None]:
        """Return the ratio of each cell of a group to the baseline, as far as it is known by now."""
        here = [record for record in records if record.cell.group == group]
        interpreters = dict.fromkeys(record.interpreter for record in here if record.interpreter != self._plan.baseline)
        return {Cell(*group, interpreter): self._ratio(here, interpreter) for interpreter in interpreters}

    def _enough(self, group: Group, records: Sequence[Record]) -> bool:
        assert self._plan.precision is not None  # noqa: S101 - called only in that case
        found = self.known(group, records).values()
        return bool(found) and all(precise_enough(one, self._plan.precision) for one in found)

    def _ratio(self, records: Sequence[Record], interpreter: str) -> ratios.Ratio | None:
        sides = [[one for one in records if one.interpreter == name] for name in (interpreter, self._plan.baseline)]
        above, below = ({(one.pass_, one.round_): one.throughput_rps for one in side} for side in sides)
        counts = [statistics.fmean(one.requests for one in side) for side in sides if side]
        if not all(counts):
            return None
        quantisation_error = ratios.counting_error(*counts, rounds=self._plan.rounds)
        return ratios.paired_ratio(above, below, ratios.interim_confidence(), quantisation_error)
