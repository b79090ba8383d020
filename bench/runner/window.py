"""One window: load on a running server, readings at the window's edges, and the result."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import psutil

from bench.runner import cpu_clocks, machine, window_checks
from bench.runner.background_load import ComputingClients
from bench.runner.server import Server
from bench.schema.cell import Cell
from bench.schema.record import Record
from bench.schema.record_parts import (
    BackgroundLoad,
    ConnectTime,
    ContextSwitches,
    CpuInterval,
    CpuTime,
    Latency,
    PageFaults,
    ThreadAccounting,
    ThreadStates,
)
from bench.threads import usage
from bench.threads.watch import Watch
from loadgen import Load, LoadResult, protocols, run
from loadgen.engine.answered import Answered
from loadgen.host.cgroup import CpuQuota, read_quota
from loadgen.result import CONNECT_PERCENTILES, LATENCY_PERCENTILES, summary
from loadgen.validation.checks import warnings

QUIET_S: Final = 0.06


class WindowObserver(Protocol):
    """Observer notified when a measured window begins and ends."""

    def begin(self) -> None:
        """Handle the beginning of the window."""

    def end(self) -> None:
        """Handle the end of the window; the load continues until this returns."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Readings at one edge of a window."""

    usage: usage.Usage
    machine: machine.MachineTime
    clocks: cpu_clocks.Clocks
    quota: CpuQuota | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured window whose server may still run; :meth:`record` makes its record once the server has ended."""

    cell: Cell
    at_s: float
    result: LoadResult
    begin: Edge
    end: Edge
    cpu: CpuTime
    thread_states: ThreadStates
    thread_accounting: ThreadAccounting
    background_load: BackgroundLoad | None
    pss_bytes: int | None = None

    def record(
        self,
        *,
        pass_: int,
        launch: int,
        round_: int,
        at_ready: usage.Usage,
        life: resource.struct_rusage | None,
        disturbances: Sequence[Mapping[str, Any]] = (),
    ) -> Record:
        """Return the record.

        Args:
            pass_: number of the pass.
            launch: number of the server's launch.
            round_: which window of that launch.
            at_ready: resources that the server had used when it was ready.
            life: resources that it had used when it ended, if known.
            disturbances: what it reported that spoils its windows, each with a ``code``.
        """
        result = self.result
        faults_of_pages = usage.faults_between(self.begin.usage, self.end.usage)
        conditions = self._conditions(faults_of_pages)
        return Record(
            model=self.cell.model,
            workload=self.cell.workload,
            clients=self.cell.clients,
            interpreter=self.cell.interpreter,
            requests_per_connection=result.load.requests_per_connection,
            pass_=pass_,
            launch=launch,
            round_=round_,
            at_s=self.at_s,
            wall_s=result.wall_s,
            requests=result.requests,
            errors=result.errors,
            throughput_rps=result.throughput_rps,
            latency_ns=Latency(**summary(result.latency, LATENCY_PERCENTILES, ends=True)),
            connect_ns=ConnectTime(**summary(result.connect, CONNECT_PERCENTILES)),
            latency_hdr=result.latency.encode(),
            server_cpu_s=self.cpu,
            generator_cpu_s=result.cpu_s,
            generator_utilisation=result.utilisation,
            cpu_interval=self.interval,
            effective_cores=self.effective_cores,
            context_switches=self._switches(at_ready, life),
            peak_rss_bytes=self.end.usage.peak_rss_bytes,
            pss_bytes=self.pss_bytes,
            thread_states=self.thread_states,
            thread_accounting=self.thread_accounting,
            steal_share=conditions.steal_share,
            foreign_cpu_s=conditions.foreign_cpu_s,
            background_load=self.background_load,
            page_faults=faults_of_pages,
            cpu_mhz=self.end.clocks.mhz,
            throttled=conditions.throttled,
            unfinished=result.unfinished,
            warnings=[*self._warnings(conditions), *map(dict, disturbances)],
        )

    def _warnings(self, conditions: window_checks.WindowConditions) -> list[dict[str, Any]]:
        """Return each code once: the load generator reports steal, too."""
        found = {warning["code"]: warning for warning in warnings(self.result) + conditions.warnings()}
        if not self.result.requests and not self.result.errors:
            found["unanswered"] = {"code": "unanswered", "window_s": round(self.result.wall_s, 3)}
        return list(found.values())

    @property
    def effective_cores(self) -> float:
        """CPU-seconds of the server per second."""
        return self.cpu.total / self.interval.wall_s

    @property
    def interval(self) -> CpuInterval:
        """The interval that its CPU time was counted over."""
        began_s, first, last = self.result.began_s, self.begin.usage, self.end.usage
        return CpuInterval(
            last.at_s - first.at_s,
            last.counted - first.counted,
            usage.offset_s(first, last, began_s, began_s + self.result.wall_s),
        )

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of what spoils it, as far as that is known before its server has ended."""
        conditions = self._conditions(usage.faults_between(self.begin.usage, self.end.usage))
        return tuple(warning["code"] for warning in self._warnings(conditions))

    def _conditions(self, faults: PageFaults) -> window_checks.WindowConditions:
        before, after, interval = self.begin.machine, self.end.machine, self.interval
        wall_s = after.at_s - before.at_s  # by the machine's clocks; the server's are read next to them
        count = psutil.cpu_count() or machine.cpus()
        busy_s = after.busy_s - before.busy_s
        own_s = after.own_s - before.own_s
        clocks_before, clocks_after = self.begin.clocks, self.end.clocks
        return window_checks.WindowConditions(
            wall_s=wall_s,
            cpus=count,
            busy_s=busy_s,
            generator_cpu_s=self.result.cpu_s,
            # Three clocks with ticks of 10 ms: a negative difference is zero.
            foreign_cpu_s=max(0.0, busy_s - self.cpu.total / interval.wall_s * wall_s - own_s),
            steal_share=machine.steal_share(before, after),
            mhz=(clocks_before.mhz, clocks_after.mhz),
            throttled=None
            if clocks_before.throttled is None or clocks_after.throttled is None
            else clocks_after.throttled - clocks_before.throttled,
            major_faults=faults.major or 0,
            offset_s=interval.offset_s,
            window_s=self.result.wall_s,
            quotas=(self.begin.quota, self.end.quota),
        )

    def _switches(self, at_ready: usage.Usage, life: resource.struct_rusage | None) -> ContextSwitches:
        exact = usage.switches_between(self.begin.usage, self.end.usage)
        if exact is not None:
            return exact
        served_s = self.end.usage.cpu_s - at_ready.cpu_s
        if life is None or served_s <= 0:
            return ContextSwitches(None, None, estimated=True)
        return usage.switches_of_life(life, at_ready, self.cpu.total / served_s)


def measure(
    cell: Cell,
    server: Server,
    *,
    window_s: float,
    warmup_s: float,
    requests_per_connection: int | None,
    protocol: str | protocols.Protocol = "line",
    order: str = "sequence",
    seed: int = 1,
    thread_accounting: bool = True,
    observers: Sequence[WindowObserver] = (),
    trace: int = 0,
) -> Measured:
    """Put a cell's load on a server for ``warmup_s`` and then for a window of ``window_s``.

    Without ``thread_accounting`` its threads are not sampled, and their states stay unknown. ``observers`` are notified
    of the window's edges; its first ``trace`` requests are recorded one by one.

    Raises:
        ServerFailed: the server ended during the load.
        GilbenchError: the load could not be generated.
    """
    edges: list[Edge] = []
    answered = Answered()
    memory: list[int | None] = []

    def read_edge() -> None:
        try:
            edges.append(Edge(usage.read(server.pid, answered), machine.read_time(), cpu_clocks.read(), read_quota()))
        except OSError:
            server.check()  # says why it has ended
            raise

    def on_begin() -> None:
        read_edge()
        for one in (watch, *observers):
            one.begin()

    def on_end() -> None:
        read_edge()
        watch.end()
        for one in observers:
            one.end()
        memory.append(usage.pss_bytes(server.pid))

    load = Load(
        host="127.0.0.1",
        port=server.port,
        connections=cell.clients,
        duration_s=window_s,
        warmup_s=warmup_s,
        requests_per_connection=requests_per_connection,
        protocol=protocol,
        order=order,
        seed=seed,
        trace=trace,
    )
    at_s = time.time() + warmup_s
    background = ComputingClients(
        cell.group.computing_clients,
        server.port,
        window_s=window_s,
        warmup_s=warmup_s,
        requests_per_connection=requests_per_connection,
    )
    with Watch(server.pid, frozenset({server.port}), wanted=thread_accounting) as watch:
        if server.speaks_http:  # nobody here wrote it: where its threads wait for work is not known
            watch.learn_quiet(QUIET_S)
        with background:
            result = run(load, on_begin=on_begin, on_end=on_end, answered=answered)
        server.check()
        begin, end = edges
        cpu = usage.cpu_between(begin.usage, end.usage)
        thread_states, details = watch.result(cpu.total / (end.usage.at_s - begin.usage.at_s))
    return Measured(cell, at_s, result, begin, end, cpu, thread_states, details, background.result(), memory[0])
