"""The load generator, on servers whose service times and stalls are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.validate.study import Known, Observations, Observed, Row, Study
from loadgen import Load, LoadResult, run
from loadgen.histograms.histogram import Histogram, highest_in_bucket
from loadgen.validation.delays import delaying

LINE: Final = b"Yes, yes\n"
Times = npt.NDArray[np.float64]

_STALL_S, _STALLED_FOR_S, _STALL_RPS = 0.5, 2.0, 1000.0
_SLOW_NS = 10e6
_SERVICE_S, _SERVICE_RPS, _SERVED_FOR_S = 0.01, 400.0, 1.25
_QUEUE_S, _QUEUED_FOR_S = 0.004, 3.0
_seeds = itertools.count(1)


def studies() -> Iterator[Study]:
    """Yield the studies."""
    yield Study("stall", _STALL_ROWS, _observe_stall)
    for name, draw in SERVICE_TIMES.items():
        yield Study(f"service {name}", _service_rows(name), _service(name, draw))
    for percent in (50, 80):
        yield Study(f"queue {percent}%", (_queue_row(percent),), _queue(percent))


def _schedule(port: int, **changes: Any) -> LoadResult:
    load: dict[str, Any] = {"connections": 64, "arrivals": "poisson"}
    return run(Load(host="127.0.0.1", port=port, **(load | changes)))


# A stall, by arithmetic.

_STALL_ROWS: Final = (
    Row(
        name="stall: requests above 10 ms",
        says=f"A server stalls for {_STALL_S:g} s of {_STALLED_FOR_S:g} s at {_STALL_RPS:,.0f} requests/s: those "
        "intended until 10 ms before its end wait for longer than 10 ms, most of them for one of 200 connections.",
        known=Known.ARITHMETIC,
        unit="%",
        bound=0.5,
    ),
    Row(
        name="stall: p99",
        says="The slowest 1% of these requests are those intended in the first 20 ms of the stall.",
        known=Known.ARITHMETIC,
        unit="ms",
        bound=10.0,
    ),
)


def _observe_stall() -> Observations:
    with delaying(LINE, [0.0001], freeze=(0.8, _STALL_S)) as port:
        result = _schedule(port, rate_rps=_STALL_RPS, arrivals="constant", connections=200, duration_s=_STALLED_FOR_S)
    p99_ns = result.latency.percentile_ns(99)
    above, p99 = (row.name for row in _STALL_ROWS)
    return {
        above: Observed(
            100 * _share_above(result.latency, _SLOW_NS), 100 * (_STALL_S - _SLOW_NS / 1e9) / _STALLED_FOR_S
        ),
        p99: Observed((p99_ns or math.nan) / 1e6, 1e3 * (_STALL_S - 0.01 * _STALLED_FOR_S)),
    }


def _share_above(times: Histogram, limit_ns: float) -> float:
    filled = np.flatnonzero(times.counts)
    return sum(int(times.counts[b]) for b in filled if highest_in_bucket(int(b)) > limit_ns) / max(1, times.total)


# Service times, by drawing them.

_draw: Final = np.random.default_rng(7)
SERVICE_TIMES: Final[Mapping[str, Callable[[], Times]]] = {
    "constant": lambda: np.full(1, _SERVICE_S),
    "exponential": lambda: _draw.exponential(_SERVICE_S, 2000),
    "bimodal": lambda: np.where(_draw.random(2000) < 0.05, 5 * _SERVICE_S, _SERVICE_S),
}


# A sleep ends late, and in a virtual machine one in a hundred ends milliseconds late. Where the times drawn are as
# short as 10 ms up to their highest percentiles, these say more about the machine than about the generator, and are
# left out.
_BOUNDS: Final[Mapping[str, Mapping[int, float]]] = {
    "constant": {50: 3.0, 90: 6.0},
    "exponential": {50: 5.0, 90: 3.0, 97: 3.0, 99: 3.0},
    "bimodal": {50: 3.0, 97: 3.0, 99: 3.0},
}
"""The percentiles of each distribution that are judged, each with its bound in %."""


def _service_rows(name: str) -> tuple[Row, ...]:
    return tuple(
        Row(
            name=f"{name} service times: p{percent} of {kind}",
            says=f"Each reply takes a time drawn before ({name}, mean {_SERVICE_S * 1e3:g} ms or more), at "
            f"{_SERVICE_RPS:g} requests/s with a free connection for each: the {kind} has the percentiles of what was "
            "drawn.",
            known=Known.CONSTRUCTION,
            unit="%",
            bound=bound,
        )
        for percent, bound in _BOUNDS[name].items()
        for kind in ("service time", "latency")
    )


def _service(name: str, draw: Callable[[], Times]) -> Callable[[], Observations]:
    def observe() -> Observations:
        times_s = draw()
        with delaying(LINE, times_s.tolist()) as port:
            result = _schedule(port, rate_rps=_SERVICE_RPS, duration_s=_SERVED_FOR_S, seed=next(_seeds))
        truth_ns = np.resize(times_s, max(1, result.latency.total)) * 1e9
        found = {}
        for row, (percent, kind) in zip(_service_rows(name), itertools.product(_BOUNDS[name], (0, 1)), strict=True):
            known_ns = float(np.percentile(truth_ns, percent, method="inverted_cdf"))
            told_ns = (result.service, result.latency)[kind].percentile_ns(percent)
            found[row.name] = Observed(100 * ((told_ns or math.nan) / known_ns - 1), 0.0)
        return found

    return observe


# A queue, by theory.


def _queue_row(percent: int) -> Row:
    return Row(
        name=f"queue at {percent}%: mean wait",
        says=f"M/D/1: one server, {_QUEUE_S * 1e3:g} ms for each request, Poisson arrivals at {percent}% of what it "
        "can do wait u / (2 (1 - u)) service times on average (Pollaczek and Khinchine). What this schedule's own wait "
        "(Lindley, 1952) differs from that by is subtracted.",
        known=Known.THEORY,
        unit="ms",
        bound=max(0.1 * theory_ms(percent / 100), 0.4),  # waking server and generator takes a tenth of a ms each time
    )


def theory_ms(utilisation: float) -> float:
    return 1e3 * _QUEUE_S * utilisation / (2 * (1 - utilisation))


def _queue(percent: int) -> Callable[[], Observations]:
    utilisation = percent / 100

    def observe() -> Observations:
        seed, rate_rps = next(_seeds), utilisation / _QUEUE_S
        with delaying(LINE, [_QUEUE_S], one_by_one=True) as port:
            result = _schedule(port, rate_rps=rate_rps, duration_s=_QUEUED_FOR_S, seed=seed, connections=128)
        mean_ns = result.latency.mean_ns
        waited_ms = math.nan if mean_ns is None else mean_ns / 1e6 - _QUEUE_S * 1e3
        known_ms = theory_ms(utilisation)
        return {_queue_row(percent).name: Observed(known_ms + waited_ms - schedule_wait_ms(seed, rate_rps), known_ms)}

    return observe


def schedule_wait_ms(seed: int, rate_rps: float) -> float:
    """Return the mean wait of a schedule's requests that are answered in the window, computed request by request."""
    # The engine draws its gaps from the same generator.
    generator = np.random.RandomState(seed * 257)
    arrivals_s = np.cumsum(generator.exponential(1 / rate_rps, int(3 * rate_rps * _QUEUED_FOR_S)))
    free_s, waits_s = 0.0, []
    for arrival_s in arrivals_s:
        began_s = max(float(arrival_s), free_s)
        free_s = began_s + _QUEUE_S
        if free_s > _QUEUED_FOR_S:
            break
        waits_s.append(began_s - float(arrival_s))
    return 1e3 * sum(waits_s) / max(1, len(waits_s))
