"""Comparisons of an interpreter with itself, with 0, 1, 3 and 5% more work in each request."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.planning.defaults import SETTLE_S
from bench.runner.server import Server
from bench.runner.window import measure
from bench.schema.cell import Cell
from bench.schema.plan import WARMUP_S
from bench.stats import ratios
from bench.validate.study import Known, Observations, Observed, Row, Study
from loadgen.protocols import any_line_protocol

MORE: Final = {"nothing": 0.0, "1%": 0.01, "3%": 0.03, "5%": 0.05}
LAUNCHES: Final = 4
"""Number of launches of a comparison."""

_HANDLERS: Final = Path(__file__).with_name("work.py")
_MODEL, _CLIENTS = "threaded", 2  # a server that always has another request keeps its CPU awake, which reduces noise
_ROUNDS, _WINDOW_S = 3, 0.1
_BASE, _EMPTY = "base", "empty"
_FUNCTIONS: Final = {
    _EMPTY: "empty",
    _BASE: "base",
    "nothing": "base",
    "1%": "more_1",
    "3%": "more_3",
    "5%": "more_5",
}
"""The handler of each server."""


class Comparisons:
    """Launches of all servers side by side; every :data:`LAUNCHES` of them make a comparison."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._launches: list[dict[str, list[float]]] = []
        self._order = random.Random(1)  # noqa: S311 - an order, not a secret

    def rows(self) -> Iterator[Row]:
        """Yield the rows."""
        for name, more in MORE.items():
            yield Row(
                name=f"ratio: {name} more work",
                says=f"{self._interpreter.name} against itself, alternating windows, {name} more of the same loop in "
                f"each request: {1 / (1 + more):.4f} times the throughput, but for what a request costs besides the "
                "loop (in 100 times the logarithm).",
                known=Known.CONSTRUCTION,
                unit="%",
                bound=0.75,
            )
        yield Row(
            name="ratio: intervals that hold the truth",
            says=f"Of the 95% intervals of these comparisons, each of {LAUNCHES} launches, 95% hold the truth.",
            known=Known.CONSTRUCTION,
            unit="share",
            bound=0.15,
            yes_or_no=True,
        )
        yield Row(
            name="ratio: false alarms",
            says="Of the comparisons in which nothing differs, 5% call a difference.",
            known=Known.CONSTRUCTION,
            unit="share",
            bound=0.2,
            yes_or_no=True,
        )

    def observe(self) -> Observations:
        """Measure one launch of each server, and compare after every fourth."""
        rates = self._launch()
        self._launches.append(rates)
        found: dict[str, list[Observed]] = {row.name: [] for row in self.rows()}
        for (name, more), row in zip(MORE.items(), found, strict=False):
            ratio = compare_launches([rates], name)
            # Logarithms, as the mean of noisy ratios is above the true ratio.
            found[row].append(Observed(100 * math.log(ratio.ratio), 100 * math.log(true_ratio(rates, more))))
        if len(self._launches) == LAUNCHES:
            *_, held, alarms = found
            for name, more in MORE.items():
                ratio = compare_launches(self._launches, name)
                truth = math.prod(true_ratio(each, more) for each in self._launches) ** (1 / LAUNCHES)
                found[held].append(Observed(float(ratio.low <= truth <= ratio.high), ratios.CONFIDENCE))
                if not more:
                    found[alarms].append(Observed(float(not ratio.low <= 1 <= ratio.high), 1 - ratios.CONFIDENCE))
            self._launches = []
        return found

    def _launch(self) -> dict[str, list[float]]:
        """Return the throughput of each server in each round."""
        servers: dict[str, Server] = {}
        rates: dict[str, list[float]] = {name: [] for name in _FUNCTIONS}
        try:
            for name, function in self._order.sample(list(_FUNCTIONS.items()), len(_FUNCTIONS)):
                servers[name] = Server(self._interpreter, _MODEL, f"{_HANDLERS}:{function}")
            for server in servers.values():
                server.ready()
            for round_ in range(_ROUNDS):
                for name in self._order.sample(list(servers), len(servers)):
                    measured = measure(
                        Cell(_MODEL, "cpu", _CLIENTS, self._interpreter.name),
                        servers[name],
                        window_s=_WINDOW_S,
                        warmup_s=SETTLE_S if round_ else WARMUP_S,
                        requests_per_connection=None,
                        protocol=any_line_protocol([b"x"]),
                        thread_accounting=False,
                    )
                    rates[name].append(measured.result.throughput_rps)
        finally:
            for server in servers.values():
                server.stop()
        return rates


def compare_launches(launches: Sequence[Mapping[str, list[float]]], name: str) -> ratios.Ratio:
    """Return the ratio of a server to the base, as :mod:`bench.stats.ratios` defines it.

    Raises:
        GilbenchError: a window had no request.
    """
    above, below = (
        {(launch, round_): rate for launch, one in enumerate(launches) for round_, rate in enumerate(one[side])}
        for side in (name, _BASE)
    )
    counts = [statistics.fmean(side.values()) * _WINDOW_S for side in (above, below)]
    ratio = (
        ratios.paired_ratio(above, below, quantisation_error=ratios.counting_error(*counts, rounds=_ROUNDS))
        if all(counts)
        else None
    )
    if ratio is None:
        raise GilbenchError("no request was answered in a window")
    return ratio


def true_ratio(rates: Mapping[str, list[float]], more: float) -> float:
    """Return the known ratio: only the loop's part of a request grows."""
    loop_share = 1 - statistics.fmean(rates[_BASE]) / statistics.fmean(rates[_EMPTY])
    return 1 / (1 + more * loop_share)


def studies(interpreter: Interpreter) -> Iterator[Study]:
    """Yield the study."""
    comparisons = Comparisons(interpreter)
    yield Study("ratios", tuple(comparisons.rows()), comparisons.observe)
