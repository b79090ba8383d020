"""Reference servers: their CPU time, the overhead of sampling them, their CPU use when idle, their warm-up."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Iterator
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.planning.defaults import SETTLE_S
from bench.runner.server import Server, serving
from bench.runner.window import measure
from bench.schema.cell import Cell
from bench.schema.plan import WARMUP_S
from bench.threads import usage
from bench.validate.study import Known, Observations, Observed, Row, Study
from loadgen import Load, run
from servers.models import MODELS

_COUNTED: Final = ("serial", "threaded", "asyncio", "multiprocess")
_WATCHED: Final = ("echo", "cpu")
_IDLE_S, _CLIENTS = 0.5, 4
_order = random.Random(1)  # noqa: S311 - an order, not a secret


def studies(interpreter: Interpreter) -> Iterator[Study]:
    """Yield the studies, all under one interpreter."""
    for model in _COUNTED:
        yield _totals(interpreter, model)
    for model, row in MODELS.items():
        if row.since <= interpreter.release:
            yield _asleep(interpreter, model)
    for workload in _WATCHED:
        yield _cost(interpreter, workload)
    yield _warmup(interpreter)


def _ask(server: Server, seconds: float, clients: int = _CLIENTS) -> None:
    run(Load(host="127.0.0.1", port=server.port, connections=clients, duration_s=seconds, requests_per_connection=10))


def _totals(interpreter: Interpreter, model: str) -> Study:
    row = Row(
        name=f"{model}: CPU time against the kernel's total",
        says="What the process tree is read to have used after a load, and what the kernel says of its whole life when "
        "it has ended (wait4); what ending costs is known from a server that got no load.",
        known=Known.INSTRUMENT,
        unit="%",
        bound=3.0,
    )

    def observe() -> Observations:
        read_s, total_s = _cpu_of_life(interpreter, model, 0.6)
        idle_read_s, idle_total_s = _cpu_of_life(interpreter, model, 0.0)
        return {row.name: Observed(100 * ((read_s + idle_total_s - idle_read_s) / total_s - 1), 0.0)}

    return Study(f"totals {model}", (row,), observe)


def _cpu_of_life(interpreter: Interpreter, model: str, load_s: float) -> tuple[float, float]:
    """Return the CPU time read for a server before it was stopped, and that of its whole lifetime."""
    server = Server(interpreter, model, "cpu")
    try:
        server.ready()
        if load_s:
            _ask(server, load_s)
        before = None
        while (found := usage.read(server.pid)).threads != before:  # the last connections are being closed
            before = found.threads
            time.sleep(0.03)
    finally:
        life = server.stop()
    if life is None:
        raise GilbenchError("the server had already ended")
    return found.cpu_s, life.ru_utime + life.ru_stime


def _asleep(interpreter: Interpreter, model: str) -> Study:
    row = Row(
        name=f"{model}: cores used while nobody asks",
        says="A server whose turn it is not waits for connections and does nothing.",
        known=Known.CONSTRUCTION,
        unit="cores",
        bound=0.01,
    )

    def observe() -> Observations:
        with serving(interpreter, model, "cpu") as server:
            _ask(server, 0.05, clients=2)
            time.sleep(0.15)  # the last client has left
            before = usage.read(server.pid)
            time.sleep(_IDLE_S)
            after = usage.read(server.pid)
        return {row.name: Observed((after.cpu_s - before.cpu_s) / (after.at_s - before.at_s), 0.0)}

    return Study(f"idle {model}", (row,), observe)


def _cost(interpreter: Interpreter, workload: str) -> Study:
    row = Row(
        name=f"{workload}: throughput while threads are sampled",
        says="Windows with and without thread accounting alternate on one threaded server: sampling costs little.",
        known=Known.CONSTRUCTION,
        unit="%",
        bound=4.0,
    )

    def observe() -> Observations:
        cell = Cell("threaded", workload, _CLIENTS, interpreter.name)
        rates = {True: 0.0, False: 0.0}
        with serving(interpreter, "threaded", workload) as server:
            _ask(server, WARMUP_S)
            for watched in _order.sample([True, True, False, False], 4):
                measured = measure(
                    cell,
                    server,
                    window_s=0.25,
                    warmup_s=SETTLE_S,
                    requests_per_connection=10,
                    thread_accounting=watched,
                )
                rates[watched] += measured.result.throughput_rps
        if not rates[False]:
            raise GilbenchError("no request was answered")
        return {row.name: Observed(100 * rates[True] / rates[False], 100.0)}

    return Study(f"sampling {workload}", (row,), observe)


def _warmup(interpreter: Interpreter) -> Study:
    row = Row(
        name="warm-up: the first window against later ones",
        says=f"Throughput in the first 100 ms after a warm-up of {WARMUP_S * 1e3:g} ms, and from half a second on.",
        known=Known.INSTRUMENT,
        unit="%",
        bound=4.0,
    )

    def observe() -> Observations:
        cell = Cell("threaded", "cpu", 2, interpreter.name)
        window = functools.partial(measure, cell, requests_per_connection=10, thread_accounting=False)
        with serving(interpreter, "threaded", "cpu") as server:
            first = window(server, window_s=0.1, warmup_s=WARMUP_S).result.throughput_rps
            later = window(server, window_s=0.3, warmup_s=0.4).result.throughput_rps
        if not later:
            raise GilbenchError("no request was answered")
        return {row.name: Observed(100 * first / later, 100.0)}

    return Study("warm-up", (row,), observe)
