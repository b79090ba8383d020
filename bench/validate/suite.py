"""The suite: studies are repeated until each row is settled or the budget is spent.

A study is observed until its rows have as many undisturbed observations as the next interim analysis needs, then the
next study. A small budget thus settles some rows instead of observing all of them once. Disturbed observations are
written but do not count; a study gives up for this turn after :data:`TRIES` of them for each observation that it needs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bench.errors import GilbenchError
from bench.stats.agreement import INTERIM_COUNTS, Judged, Verdict, judge
from bench.validate.host import HostLoad, HostObserver
from bench.validate.study import Observed, Row, Study

TRIES: Final = 2
FAILURES: Final = 2
"""A study that fails this often is not tried again."""


class Observer(Protocol):
    """Reports how disturbed the machine has been since the observer was created."""

    def load(self) -> HostLoad:
        """Return the load since then."""


@dataclass(slots=True)
class _Progress:
    """One study, and its observations so far."""

    study: Study
    values: dict[str, list[Observed]] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    repeated: int = 0

    @property
    def done(self) -> bool:
        return len(self.failures) >= FAILURES or all(
            row.name in self.judged and self.judged[row.name].settled for row in self.study.rows
        )


class Suite:
    """Studies under way.

    Attributes:
        studies: what is observed.
        write: called with each observation as it is made.
        tell: called with each line of progress.
        observer: creates the observer of the machine's load.
        now_s: the clock of the budget.
    """

    def __init__(
        self,
        studies: Sequence[Study],
        write: Callable[[dict[str, Any]], None],
        tell: Callable[[str], None],
        *,
        observer: Callable[[], Observer] = HostObserver,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._all = [_Progress(study) for study in studies]
        self._write, self._tell, self._observer, self._now_s = write, tell, observer, now_s

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order of the table."""
        return [row for one in self._all for row in one.study.rows]

    def run(self, budget_s: float) -> None:
        """Repeat the studies until every row is settled or the budget is spent."""
        deadline_s = self._now_s() + budget_s
        for count in INTERIM_COUNTS:
            for one in self._all:
                if one.done:
                    continue
                if not self._repeat(one, count, deadline_s):
                    return

    def _repeat(self, one: _Progress, count: int, deadline_s: float) -> bool:
        """Observe a study until each of its rows has ``count`` observations; return whether there is time left."""
        disturbed = wanted = 0
        while not one.done and self._fewest(one) < count and disturbed <= TRIES * max(1, count - wanted):
            if self._now_s() >= deadline_s:
                return False
            before = self._fewest(one)
            disturbed += not self._observe(one)
            wanted += self._fewest(one) > before
            self._judge(one)
        return True

    @staticmethod
    def _fewest(one: _Progress) -> int:
        """Return the number of observations of the unsettled row that has the fewest."""
        open_rows = [row for row in one.study.rows if row.name not in one.judged or not one.judged[row.name].settled]
        return min((len(one.values.get(row.name, ())) for row in open_rows), default=INTERIM_COUNTS[-1])

    def _observe(self, one: _Progress) -> bool:
        """Observe a study once, and return whether that counts."""
        host, began_s, at_s = self._observer(), self._now_s(), time.time()
        common = {"study": one.study.name, "n": one.repeated, "at_s": round(at_s, 3)}
        one.repeated += 1
        try:
            found = one.study.observe()
        except GilbenchError as exc:
            one.failures.append(str(exc))
            self._write({**common, "failed": str(exc)})
            self._tell(f"{one.study.name}: failed: {exc}")
            return False
        load = host.load()
        common |= {
            "took_s": round(self._now_s() - began_s, 3),
            "foreign_cores": round(load.foreign_cores, 4),
            "steal_share": None if load.steal_share is None else round(load.steal_share, 4),
            "disturbed": load.disturbed,
        }
        for name, several in found.items():
            for observed in [several] if isinstance(several, Observed) else several:
                known = math.isfinite(observed.value) and math.isfinite(observed.truth)
                self._write({**common, "row": name, **(observed._asdict() if known else {"unknown": True})})
                if known and not load.disturbed:
                    one.values.setdefault(name, []).append(observed)
        return not load.disturbed

    def _judge(self, one: _Progress) -> None:
        count = len(self.rows)
        for row in one.study.rows:
            if row.name in one.judged and one.judged[row.name].settled:
                continue
            observed = one.values.get(row.name, [])
            values, truths = [each.value for each in observed], [each.truth for each in observed]
            judged = judge(values, truths, row.bound, yes_or_no=row.yes_or_no, rows=count)
            one.judged[row.name] = judged
            if judged.settled and judged.verdict is not Verdict.DISTURBED:
                self._tell(f"{row.name}: {judged.verdict} after {len(values)}")
