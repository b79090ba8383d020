"""Runs with synthetic records, whose figures are known."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.analysis import read_run
from bench.analysis.load import Run
from bench.schema.cell import Cell
from bench.schema.record import Record
from bench.schema.record_parts import ConnectTime, ContextSwitches, CpuTime, Latency, ThreadAccounting, ThreadStates
from loadgen.histograms import hdr_encoding
from loadgen.histograms.histogram import BUCKETS, bucket_index

MODELS = ("serial", "threaded", "asyncio", "multiprocess")
WORKLOADS = ("echo", "io", "cpu")
SERVICE_S = {"echo": 60e-6, "io": 5.1e-3, "cpu": 1.1e-3}
AT_ONCE: dict[str, dict[str, tuple[float, float]]] = {  # requests served at the same time, with a GIL and without
    "serial": {"echo": (1, 1), "io": (1, 1), "cpu": (1, 1)},
    "threaded": {"echo": (0.7, 1.2), "io": (99, 99), "cpu": (0.98, 1.62)},
    "asyncio": {"echo": (0.8, 0.75), "io": (99, 99), "cpu": (1.0, 0.99)},
    "multiprocess": {"echo": (0.35, 0.3), "io": (99, 99), "cpu": (1.55, 1.5)},
}


def histogram_of(latency: Latency, requests: int) -> str:
    """Return a histogram with these percentiles, encoded as in a record."""
    counts, done = np.zeros(BUCKETS, np.int64), 0
    for percent, value in (
        (50, latency.p50),
        (90, latency.p90),
        (99, latency.p99),
        (99.9, latency.p999),
        (100, latency.max),
    ):
        if value is not None:
            rank = math.ceil(requests * percent / 100)
            counts[bucket_index(value)] += rank - done
            done = rank
    return hdr_encoding.encode(counts)


@dataclass
class Made:
    """Parameters of a synthetic run.

    ``rates`` sets throughputs by (model, workload, clients, interpreter, pass), ``cores`` effective cores by (model,
    workload); ``foreign_cores`` are used by other programs, ``queued`` is the threads' share of time in the run queue.
    """

    models: Sequence[str] = MODELS
    workloads: Sequence[str] = WORKLOADS
    clients: Sequence[int] = (1, 4, 8)
    interpreters: Sequence[str] = ("3.13", "3.13t")
    passes: int = 3
    meta: dict[str, Any] = field(default_factory=dict)
    warnings: Callable[[str, str, int, str], list[dict[str, Any]]] = lambda *_: []
    rates: dict[tuple[str, str, int, str, int], float] = field(default_factory=dict)
    noise: float = 0.02
    cores: dict[tuple[str, str], float] = field(default_factory=dict)
    accounted: bool = True
    foreign_cores: float = 0.0
    queued: float = 0.0

    def records(self) -> list[Record]:
        rng = random.Random(1)  # noqa: S311 - noise, not secrets
        return [
            self.record(rng, pass_, model, workload, clients, interpreter)
            for pass_ in range(self.passes)
            for model in self.models
            for workload in self.workloads
            for clients in self.clients
            for interpreter in self.interpreters
        ]

    def record(  # noqa: PLR0917 - in the order of the loops
        self, rng: random.Random, pass_: int, model: str, workload: str, clients: int, interpreter: str
    ) -> Record:
        free = interpreter.endswith("t")
        at_once = AT_ONCE[model][workload][free]
        overlap = min(clients, at_once) if at_once > 1 else 1.0 if clients == 1 else at_once
        service_s = SERVICE_S[workload] * (1.15 if free and workload != "io" else 1.0)
        rate = overlap / service_s * rng.gauss(1, self.noise)
        rate = self.rates.get((model, workload, clients, interpreter, pass_), rate)
        mean = int(clients / rate * 1e9) if rate else None
        cores = 0.04 * min(clients, at_once) if workload == "io" else 0.97 * max(overlap, 0.95)
        cores = self.cores.get((model, workload), cores)
        latency = Latency(*(None if mean is None else int(mean * f) for f in (0.8, 1, 0.95, 1.3, 2.1, 3.4, 5)))
        return Record(
            model=model,
            workload=workload,
            clients=clients,
            interpreter=interpreter,
            requests_per_connection=10,
            pass_=pass_,
            launch=pass_ * 10,
            at_s=1.8e9,
            wall_s=0.5,
            requests=int(rate * 0.5),
            errors={},
            throughput_rps=rate,
            latency_ns=latency,
            connect_ns=ConnectTime(30_000, 80_000, 120_000),
            latency_hdr=histogram_of(latency, int(rate * 0.5)),
            server_cpu_s=CpuTime(cores * 0.35, cores * 0.15),
            generator_cpu_s=0.05,
            generator_utilisation=0.12,
            effective_cores=cores * rng.gauss(1, self.noise / 2),
            context_switches=ContextSwitches(100, 10, estimated=False),
            peak_rss_bytes=20_000_000,
            **self.thread_accounting(model, workload, clients, cores),
            foreign_cpu_s=self.foreign_cores * 0.5,
            warnings=[
                *self.warnings(model, workload, clients, interpreter),
                *[{"code": "foreign_cpu", "cores": self.foreign_cores}] * (self.foreign_cores > 0),
            ],
        )

    def thread_accounting(self, model: str, workload: str, clients: int, cores: float) -> dict[str, Any]:
        """Return the accounting of threads that are always busy and wait for the GIL when they do not compute."""
        if not self.accounted:
            return {}
        name, threads, waiting = {
            "serial": ("worker", 1, clients - 1),
            "asyncio": ("event loop", 1, 0),
        }.get(model, ("worker", clients, 0))
        cpu = min(cores / threads, 1.0)
        rest = {"serial": "blocked", "asyncio": "idle"}.get(model, "blocked" if workload == "io" else "gil_wait")
        states = ("cpu", "run_queue", "gil_wait", "lock_wait", "blocked", "client_wait", "idle")
        shares = dict.fromkeys(states, 0.0) | {"cpu": cpu, "run_queue": self.queued, rest: 1 - cpu - self.queued}
        thread_states = ThreadStates(**{state: share for state, share in shares.items() if state != "client_wait"})
        roles = {name: {"threads": threads} | shares}
        return {
            "thread_states": thread_states,
            "thread_accounting": ThreadAccounting(
                None, roles, samples=100, overhead_cores=0.01, waiting_connections=waiting
            ),
        }

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True)
        records = self.records()
        lines = "".join(record.to_json() + "\n" for record in records)
        (folder / "records.jsonl").write_text(lines, encoding="utf-8")
        meta = {
            "schema": 1,
            "name": "20261123T170000Z-made",
            "created": "2026-11-23T17:00:00+00:00",
            "state": "complete",
            "command": "nox -s bench -- --passes 3",
            "plan": {
                "models": list(self.models),
                "workloads": list(self.workloads),
                "clients": list(self.clients),
                "interpreters": list(self.interpreters),
                "cells": self._cells(records),
                "passes": self.passes,
                "window_s": 0.5,
                "warmup_s": 0.1,
                "requests_per_connection": 10,
                "budget_s": 180.0,
                "seed": 1,
            },
            "work": {"cpu": {"rounds": 8000}, "io": {"wait_s": 0.005}, "echo": {"replies": 1}},
            "machine": {
                "system": "Linux",
                "release": "6.1",
                "arch": "x86_64",
                "cpu_model": "AMD EPYC",
                "cpus": 2,
                "memory_bytes": 25_000_000_000,
                "load_average": [0.1, 0.2, 0.3],
            },
            "control": {"version": "3.11.7", "numba": "0.68.1"},
            "interpreters": {
                name: {
                    "executable": f"/usr/bin/python{name}",
                    "version": "3.13.15",
                    "version_info": [3, 13, 15, "final", 0],
                    "implementation": "CPython",
                    "compiler": "GCC 12.2.0",
                    "pgo": True,
                    "lto": False,
                    "freethreaded": name.endswith("t"),
                    "gil_enabled": not name.endswith("t"),
                    "jit": "unavailable",
                    "debug": False,
                }
                for name in self.interpreters
            },
            "failures": [],
            "elapsed_s": 160.1,
            "measured_share": 0.7,
        }
        (folder / "run.json").write_text(json.dumps(_merge(meta, self.meta)), encoding="utf-8")
        return folder

    def _cells(self, records: Sequence[Record]) -> list[str]:
        """Return the names of the cells in the plan's order."""
        made = {record.cell for record in records}
        parts = (self.models, self.workloads, self.clients, self.interpreters)
        return [cell.name for cell in itertools.starmap(Cell, itertools.product(*parts)) if cell in made]

    def load(self, tmp_path: Path) -> Run:
        return read_run(self.write(tmp_path / "run"))


def _merge(whole: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a ``run.json`` with changes; objects, builds included, are merged key by key."""
    merged = dict(whole)
    for key, value in changes.items():
        before = merged.get(key)
        merged[key] = _merge(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged
