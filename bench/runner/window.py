"""One window: load on a running server, accounts at the window's edges, and what came of it."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psutil

from bench.runner import cpu_clocks, machine, window_checks
from bench.runner.background_load import Computing
from bench.runner.server import Server
from bench.schema.cell import Cell
from bench.schema.record import (
    Accounts,
    Beside,
    ConnectTime,
    ContextSwitches,
    CpuInterval,
    CpuTime,
    Latency,
    PageFaults,
    Record,
    Split,
)
from bench.threads import usage
from bench.threads.watch import Watch
from loadgen import Load, LoadResult, run
from loadgen.answered import Answered
from loadgen.belief import warnings
from loadgen.result import CONNECT_PERCENTILES, LATENCY_PERCENTILES, summary
from loadgen.wires import Wire


class WindowObserver(Protocol):
    """Who looks on while a window is measured."""

    def begin(self) -> None:
        """Take note that the window begins."""

    def end(self) -> None:
        """Take note that it ends; the load stays on until this returns."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What was read at one edge of a window."""

    usage: usage.Usage
    machine: machine.MachineTime
    clocks: cpu_clocks.Clocks


@dataclass(frozen=True, slots=True)
class Measured:
    """A window before its server has ended; :meth:`record` makes the record of it once it has."""

    cell: Cell
    at_s: float
    result: LoadResult
    begin: Edge
    end: Edge
    cpu: CpuTime
    split: Split
    accounts: Accounts
    beside: Beside | None

    def record(
        self,
        *,
        pass_: int,
        start: int,
        round_: int,
        at_ready: usage.Usage,
        life: resource.struct_rusage | None,
        spoilt: Sequence[Mapping[str, Any]] = (),
    ) -> Record:
        """Return the record.

        Args:
            pass_: number of the pass.
            start: number of the server's start.
            round_: which window of that start.
            at_ready: what the server had used when it was ready.
            life: what it had used when it ended, if that is known.
            spoilt: what it said that spoils its windows, each with a ``code``.
        """
        result = self.result
        faults_of_pages = usage.faults_between(self.begin.usage, self.end.usage)
        surroundings = self._surroundings(faults_of_pages)
        return Record(
            model=self.cell.model,
            workload=self.cell.workload,
            clients=self.cell.clients,
            target=self.cell.target,
            conversation=result.load.conversation,
            pass_=pass_,
            start=start,
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
            split=self.split,
            accounts=self.accounts,
            steal_share=surroundings.steal_share,
            foreign_cpu_s=surroundings.foreign_cpu_s,
            beside=self.beside,
            page_faults=faults_of_pages,
            cpu_mhz=self.end.clocks.mhz,
            throttled=surroundings.throttled,
            unfinished=result.unfinished,
            warnings=[*self._warnings(surroundings), *map(dict, spoilt)],
        )

    def _warnings(self, surroundings: window_checks.Surroundings) -> list[dict[str, Any]]:
        """Return each code once: steal is seen by the load generator, too."""
        found = {warning["code"]: warning for warning in warnings(self.result) + surroundings.warnings()}
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
        """What spoils it, by code, as far as that is known before its server has ended."""
        surroundings = self._surroundings(usage.faults_between(self.begin.usage, self.end.usage))
        return tuple(warning["code"] for warning in self._warnings(surroundings))

    def _surroundings(self, faults: PageFaults) -> window_checks.Surroundings:
        before, after, interval = self.begin.machine, self.end.machine, self.interval
        wall_s = after.at_s - before.at_s  # of the machine's clocks; the server's are read next to them
        count = psutil.cpu_count() or machine.cpus()
        busy_s = after.busy_s - before.busy_s
        own_s = after.own_s - before.own_s
        clocks_before, clocks_after = self.begin.clocks, self.end.clocks
        return window_checks.Surroundings(
            wall_s=wall_s,
            cpus=count,
            busy_s=busy_s,
            generator_cpu_s=self.result.cpu_s,
            # Three clocks with ticks of 10 ms: what is below nothing is nothing.
            foreign_cpu_s=max(0.0, busy_s - self.cpu.total / interval.wall_s * wall_s - own_s),
            steal_share=machine.steal_share(before, after),
            mhz=(clocks_before.mhz, clocks_after.mhz),
            throttled=None
            if clocks_before.throttled is None or clocks_after.throttled is None
            else clocks_after.throttled - clocks_before.throttled,
            major_faults=faults.major or 0,
            offset_s=interval.offset_s,
            window_s=self.result.wall_s,
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
    conversation: int | None,
    wire: str | Wire = "line",
    accounts: bool = True,
    observers: Sequence[WindowObserver] = (),
    trace: int = 0,
) -> Measured:
    """Put a cell's load on a server for ``warmup_s`` and then for a window of ``window_s``.

    Without ``accounts`` its threads are not looked at, and the split stays unknown. ``observers`` are notified of the
    window's edges; of its first requests so many as ``trace`` are noted down one by one.

    Raises:
        ServerFailed: the server ended meanwhile.
        GilbenchError: the load could not be made.
    """
    edges: list[Edge] = []
    answered = Answered()

    def read_edge() -> None:
        try:
            edges.append(Edge(usage.read(server.pid, answered), machine.read_time(), cpu_clocks.read()))
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

    load = Load(
        host="127.0.0.1",
        port=server.port,
        connections=cell.clients,
        duration_s=window_s,
        warmup_s=warmup_s,
        conversation=conversation,
        wire=wire,
        trace=trace,
    )
    at_s = time.time() + warmup_s
    company = Computing(
        cell.group.computing_clients, server.port, window_s=window_s, warmup_s=warmup_s, conversation=conversation
    )
    with Watch(server.pid, frozenset({server.port}), wanted=accounts) as watch:
        with company:
            result = run(load, on_begin=on_begin, on_end=on_end, answered=answered)
        server.check()
        begin, end = edges
        cpu = usage.cpu_between(begin.usage, end.usage)
        split, details = watch.result(cpu.total / (end.usage.at_s - begin.usage.at_s))
    return Measured(cell, at_s, result, begin, end, cpu, split, details, company.result())
