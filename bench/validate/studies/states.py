"""Thread states of reference servers under load, and the convoy behind a computing thread."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import resolve
from bench.runner.server import serving
from bench.runner.window import Measured, measure
from bench.schema.cell import Cell
from bench.schema.plan import WARMUP_S
from bench.schema.thread_state import BLOCKED
from bench.threads.roles import WORKER
from bench.validate.study import Known, Observations, Observed, Row, Study
from servers.workloads.io_wait import WAIT_S

_WINDOW_S: Final = 0.6
_CONVOY_WINDOW_S: Final = 0.8
_SHORTER: Final = 10
_SWITCH_INTERVAL_S: Final = 0.005  # sys.getswitchinterval() of every CPython


@dataclass(frozen=True, slots=True)
class _Expected:
    """A figure of a window, and its truth.

    Attributes:
        figure: its name.
        says: why the truth is known.
        value: calculates the figure.
        truth: in the row's unit.
        unit: of both.
        bound: deviation that agrees.
    """

    figure: str
    says: str
    value: Callable[[Measured], float]
    truth: float
    unit: str
    bound: float


def _blocked_per_request(measured: Measured) -> float:
    """Return the time that workers were blocked per request, in % of the handler's sleep."""
    worker = measured.thread_accounting.roles.get(WORKER)
    if worker is None:
        return math.nan
    blocked_s = worker[BLOCKED.key] * worker["threads"] * measured.result.wall_s
    return 100 * blocked_s / (measured.result.requests * WAIT_S)


def _or_nan(value: float | None) -> float:
    """Return a figure, or NaN if it is unknown, which does not count."""
    return math.nan if value is None else value


def _blocked_s(bound: float) -> _Expected:
    return _Expected(
        "blocked per request",
        f"The handler of io sleeps for {WAIT_S * 1e3:g} ms: its thread is blocked for as long in each request, and "
        "for no longer but for what the timer adds.",
        _blocked_per_request,
        100.0,
        "%",
        bound,
    )


_ONE_CORE: Final = _Expected(
    "effective cores",
    "Threads or coroutines that compute under one GIL use one CPU between them, however many there are.",
    lambda measured: measured.effective_cores,
    1.0,
    "cores",
    0.1,
)

_TWO_CORES: Final = _Expected(
    "effective cores",
    "Two threads that compute without a GIL use two CPUs, but for what their clients and the load generator need.",
    lambda measured: measured.effective_cores,
    2.0,
    "cores",
    0.3,
)

_Load = tuple[str, str, int, int | None]
"""A model, a workload, a number of clients and a number of requests per connection."""

STATES_WITH_GIL: Final[Mapping[_Load, tuple[_Expected, ...]]] = {
    ("threaded", "io", 2, None): (_blocked_s(4.0),),
    ("multiprocess", "io", 4, 10): (_blocked_s(10.0),),  # processes come and go: their number is estimated
    ("serial", "io", 4, 10): (
        _blocked_s(4.0),
        _Expected(
            "connections that wait",
            "Four clients of a server that serves one at a time: three wait to be accepted.",
            lambda measured: _or_nan(measured.thread_accounting.waiting_connections),
            3.0,
            "connections",
            0.3,
        ),
    ),
    ("asyncio", "io", 4, None): (
        _Expected(
            "event loop blocked",
            "Coroutines that sleep leave their event loop to others: its thread is never blocked.",
            lambda measured: _or_nan(measured.thread_states.blocked),
            0.0,
            "share",
            0.02,
        ),
    ),
    ("threaded", "cpu", 2, None): (_ONE_CORE,),
    ("asyncio", "cpu", 2, None): (_ONE_CORE,),
}
STATES_WITHOUT_GIL: Final[Mapping[_Load, tuple[_Expected, ...]]] = {("threaded", "cpu", 2, None): (_TWO_CORES,)}


def studies(plain: Interpreter, free: Interpreter | None) -> Iterator[Study]:
    """Yield the studies, under an interpreter with a GIL and, if there is one, another without."""
    yield from _load_studies(plain, STATES_WITH_GIL)
    if free is not None and (os.cpu_count() or 1) > 1:
        yield from _load_studies(free, STATES_WITHOUT_GIL)
    yield _convoy(plain)


def _load_studies(interpreter: Interpreter, loads: Mapping[_Load, tuple[_Expected, ...]]) -> Iterator[Study]:
    for (model, workload, clients, requests_per_connection), expected in loads.items():
        rows = {
            Row(
                name=f"{interpreter.name}, {model} {workload}, {clients} clients: {one.figure}",
                says=one.says,
                known=Known.CONSTRUCTION,
                unit=one.unit,
                bound=one.bound,
            ): one
            for one in expected
        }
        cell = Cell(model, workload, clients, interpreter.name)
        observe = functools.partial(_observe, interpreter, cell, requests_per_connection, rows)
        yield Study(f"states {interpreter.name} {model} {workload}", tuple(rows), observe)


def _observe(
    interpreter: Interpreter, cell: Cell, requests_per_connection: int | None, rows: Mapping[Row, _Expected]
) -> Observations:
    with serving(interpreter, cell.model, cell.workload) as server:
        measured = measure(
            cell, server, window_s=_WINDOW_S, warmup_s=WARMUP_S, requests_per_connection=requests_per_connection
        )
    if measured.thread_accounting.unknown is not None:
        raise GilbenchError(measured.thread_accounting.unknown)
    if not measured.result.requests:
        raise GilbenchError("no request was answered")
    return {row.name: Observed(one.value(measured), one.truth) for row, one in rows.items()}


def _convoy(interpreter: Interpreter) -> Study:
    row = Row(
        name="mixed: p99 with the switch interval over that with a tenth",
        says="A quick request that meets one computing thread waits for the GIL until the switch interval, "
        f"{_SWITCH_INTERVAL_S * 1e3:g} ms, is over; with a tenth of the interval it waits for a tenth.",
        known=Known.THEORY,
        unit="times",
        bound=3.0,
    )
    return Study("convoy", (row,), functools.partial(_observe_convoy, row, interpreter))


def _observe_convoy(row: Row, interpreter: Interpreter) -> Observations:
    (shorter,) = resolve(f"quick={interpreter.program}+switch={_SWITCH_INTERVAL_S / _SHORTER:g}", lambda: [interpreter])
    plain_ns, quick_ns = (_p99_ns(one) for one in (interpreter, shorter))
    return {row.name: Observed(plain_ns / quick_ns, float(_SHORTER))}


def _p99_ns(interpreter: Interpreter) -> float:
    with serving(interpreter, "threaded", "mixed") as server:
        measured = measure(
            Cell("threaded", "mixed+1", 1, interpreter.name),
            server,
            window_s=_CONVOY_WINDOW_S,
            warmup_s=WARMUP_S,
            requests_per_connection=None,
        )
    p99_ns = measured.result.latency.percentile_ns(99)
    if p99_ns is None:
        raise GilbenchError("no request was answered")
    return p99_ns
