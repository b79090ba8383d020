"""Analysis, on runs made up so that every figure is known."""

from __future__ import annotations

import json
import math
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.analysis import cautions, findings, load_run, summarise
from bench.analysis.__main__ import draw, main
from bench.analysis.life import LATENCY, PARTS, UNEXPLAINED, life
from bench.analysis.load import Run
from bench.analysis.plots import PLOTS
from bench.analysis.recommend import Recommendation, recommendations
from bench.analysis.stats import Spread, Verdict, against_serial, against_target, over_passes, pick
from bench.analysis.summary import to_csv
from bench.record import Accounts, ConnectTime, ContextSwitches, CpuTime, Latency, Record, Split

MODELS = ("serial", "threaded", "asyncio", "multiprocess")
WORKLOADS = ("echo", "io", "cpu")
SERVICE_S = {"echo": 60e-6, "io": 5.1e-3, "cpu": 1.1e-3}
AT_ONCE: dict[
    str, dict[str, tuple[float, float]]
] = {  # requests that are served at the same time: with a GIL, and without
    "serial": {"echo": (1, 1), "io": (1, 1), "cpu": (1, 1)},
    "threaded": {"echo": (0.7, 1.2), "io": (99, 99), "cpu": (0.98, 1.62)},
    "asyncio": {"echo": (0.8, 0.75), "io": (99, 99), "cpu": (1.0, 0.99)},
    "multiprocess": {"echo": (0.35, 0.3), "io": (99, 99), "cpu": (1.55, 1.5)},
}


@dataclass
class Made:
    """A run to be made up.

    ``rates`` may fix throughputs by (model, workload, clients, target, pass), ``cores`` effective cores by (model,
    workload).
    """

    models: Sequence[str] = MODELS
    workloads: Sequence[str] = WORKLOADS
    clients: Sequence[int] = (1, 4, 8)
    targets: Sequence[str] = ("3.13", "3.13t")
    passes: int = 3
    meta: dict[str, Any] = field(default_factory=dict)
    warnings: Callable[[str, str, int, str], list[dict[str, Any]]] = lambda *_: []
    rates: dict[tuple[str, str, int, str, int], float] = field(default_factory=dict)
    noise: float = 0.02
    cores: dict[tuple[str, str], float] = field(default_factory=dict)
    accounted: bool = True

    def records(self) -> list[Record]:
        chance = random.Random(1)  # noqa: S311 - noise, not secrets
        return [
            self.record(chance, pass_, model, workload, clients, target)
            for pass_ in range(self.passes)
            for model in self.models
            for workload in self.workloads
            for clients in self.clients
            for target in self.targets
        ]

    def record(  # noqa: PLR0917 - in the order of the loops
        self, chance: random.Random, pass_: int, model: str, workload: str, clients: int, target: str
    ) -> Record:
        free = target.endswith("t")
        at_once = AT_ONCE[model][workload][free]
        overlap = min(clients, at_once) if at_once > 1 else 1.0 if clients == 1 else at_once
        service_s = SERVICE_S[workload] * (1.15 if free and workload != "io" else 1.0)
        rate = overlap / service_s * chance.gauss(1, self.noise)
        rate = self.rates.get((model, workload, clients, target, pass_), rate)
        mean = int(clients / rate * 1e9) if rate else None
        cores = 0.04 * min(clients, at_once) if workload == "io" else 0.97 * max(overlap, 0.95)
        cores = self.cores.get((model, workload), cores)
        return Record(
            model=model,
            workload=workload,
            clients=clients,
            target=target,
            conversation=10,
            pass_=pass_,
            start=pass_ * 10,
            at_s=1.8e9,
            wall_s=0.5,
            requests=int(rate * 0.5),
            errors={},
            throughput_rps=rate,
            latency_ns=Latency(
                *(None if mean is None else int(mean * f) for f in (0.8, 1, 0.95, 1.3, 2.1, 3.4, 5)),
            ),
            connect_ns=ConnectTime(30_000, 80_000, 120_000),
            latency_hdr="",
            server_cpu_s=CpuTime(cores * 0.35, cores * 0.15),
            generator_cpu_s=0.05,
            generator_utilisation=0.12,
            effective_cores=cores * chance.gauss(1, self.noise / 2),
            context_switches=ContextSwitches(100, 10, estimated=False),
            peak_rss_bytes=20_000_000,
            **self.accounts(model, workload, clients, cores),
            warnings=self.warnings(model, workload, clients, target),
        )

    def accounts(self, model: str, workload: str, clients: int, cores: float) -> dict[str, Any]:
        """Return accounts in which every thread is always busy, with the GIL as what keeps it from computing."""
        if not self.accounted:
            return {}
        name, threads, waiting = {
            "serial": ("worker", 1, clients - 1),
            "asyncio": ("event loop", 1, 0),
        }.get(model, ("worker", clients, 0))
        cpu = min(cores / threads, 1.0)
        rest = {"serial": "own_wait", "asyncio": "idle"}.get(model, "own_wait" if workload == "io" else "gil_wait")
        states = ("cpu", "run_queue", "gil_wait", "lock_wait", "own_wait", "client_wait", "idle")
        shares = dict.fromkeys(states, 0.0) | {"cpu": cpu, rest: 1 - cpu}
        split = Split(**{state: share for state, share in shares.items() if state != "client_wait"})
        roles = {name: {"threads": threads} | shares}
        return {"split": split, "accounts": Accounts(None, roles, {}, 100, 0.01, waiting)}

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
                "targets": list(self.targets),
                "cells": sorted({f"{r.model}-{r.workload}-{r.clients}-{r.target}" for r in records}),
                "passes": self.passes,
                "window_s": 0.5,
                "warmup_s": 0.1,
                "conversation": 10,
                "budget_s": 180.0,
                "seed": 1,
            },
            "work": {"cpu": {"rounds": 8000}, "io": {"wait_s": 0.005}, "echo": {"replies": 1}},
            "machine": {
                "system": "Linux",
                "release": "6.1",
                "cpu_model": "AMD EPYC",
                "cpus": 2,
                "memory_bytes": 25_000_000_000,
                "load_average": [0.1, 0.2, 0.3],
            },
            "control": {"version": "3.11.7", "numba": "0.68.1"},
            "targets": {
                name: {
                    "executable": f"/usr/bin/python{name}",
                    "version": "3.13.15",
                    "implementation": "CPython",
                    "compiler": "GCC 12.2.0",
                    "pgo": True,
                    "lto": False,
                    "freethreaded": name.endswith("t"),
                    "gil_enabled": not name.endswith("t"),
                    "jit": "unavailable",
                    "debug": False,
                }
                for name in self.targets
            },
            "failures": [],
            "elapsed_s": 160.1,
            "measured_share": 0.7,
        }
        (folder / "run.json").write_text(json.dumps(meta | self.meta), encoding="utf-8")
        return folder

    def load(self, tmp_path: Path) -> Run:
        return load_run(self.write(tmp_path / "run"))


def contended(model: str, workload: str, clients: int, target: str) -> list[dict[str, Any]]:
    busy = model == "multiprocess" and workload == "cpu" and clients > 1
    few = {"code": "few_requests", "requests": 88}
    return ([{"code": "contended", "busy_share": 0.99}] if busy else []) + (
        [few] if model == "serial" and workload == "io" else []
    )


def by_pass(model: str, target: str, rates: Sequence[float], clients: int = 8) -> dict[Any, float]:
    return {(model, "cpu", clients, target, pass_): rate for pass_, rate in enumerate(rates)}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Made(warnings=contended).write(tmp_path_factory.mktemp("full") / "run")
    assert main([str(folder), "--quiet"]) == 0
    return folder


# What is read.


def test_columns_carry_their_units(tmp_path: Path) -> None:
    run = Made(models=["serial"], clients=[1], accounted=False).load(tmp_path)
    assert len(run.windows) == 3 * 2 * 3
    first = run.windows.iloc[0]
    assert first["server_cpu_s"] == pytest.approx(first["server_cpu_user_s"] + first["server_cpu_system_s"])
    assert {"latency_p99_ns", "connect_p50_ns", "context_switches_voluntary", "split_gil_wait_share", "pass"} <= {
        *run.windows.columns
    }
    assert run.windows["split_gil_wait_share"].isna().all()


def test_a_last_line_cut_short_is_dropped_and_counted(tmp_path: Path) -> None:
    folder = Made(models=["serial"]).write(tmp_path / "run")
    records = folder / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-100])
    run = load_run(folder)
    assert (len(run.windows), run.dropped_lines) == (53, 1)
    assert "dropped_lines" in [caution.code for caution in cautions(run)]


def test_a_whole_last_line_needs_no_line_end(tmp_path: Path) -> None:
    folder = Made(models=["serial"]).write(tmp_path / "run")
    records = folder / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-1])
    assert (len(load_run(folder).windows), load_run(folder).dropped_lines) == (54, 0)


DAMAGES: dict[str, Callable[[Path, list[str]], object]] = {
    "gone": lambda folder, lines: (folder / "records.jsonl").unlink(),
    "empty": lambda folder, lines: (folder / "records.jsonl").write_text(""),
    "only a cut line": lambda folder, lines: (folder / "records.jsonl").write_text(lines[0][:50]),
    "a bad line amid good ones": lambda folder, lines: (folder / "records.jsonl").write_text(
        lines[0] + lines[1][:50] + "\n" + lines[2]
    ),
    "a newer record": lambda folder, lines: (folder / "records.jsonl").write_text(
        lines[0].replace('"schema": 1', '"schema": 99')
    ),
    "a wrong type": lambda folder, lines: (folder / "records.jsonl").write_text(
        lines[0].replace('"wall_s": 0.5', '"wall_s": "long"')
    ),
    "no run.json": lambda folder, lines: (folder / "run.json").unlink(),
    "half a run.json": lambda folder, lines: (folder / "run.json").write_text('{"schema": 1, "name'),
    "run.json is a list": lambda folder, lines: (folder / "run.json").write_text("[]"),
    "a newer run.json": lambda folder, lines: (folder / "run.json").write_text('{"schema": 99}'),
}


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("gone", "cannot read"),
        ("empty", "no complete record"),
        ("only a cut line", "no complete record"),
        ("a bad line amid good ones", "line 2"),
        ("a newer record", "update gilbench"),
        ("a wrong type", "wrong type"),
        ("no run.json", "cannot read"),
        ("half a run.json", "no run.json"),
        ("run.json is a list", "no run.json"),
        ("a newer run.json", "update gilbench"),
    ],
)
def test_a_damaged_folder_is_one_line(what: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Made(models=["serial"], clients=[1]).write(tmp_path / "run")
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    DAMAGES[what](folder, lines)
    assert main([str(folder)]) == 1
    out, err = capsys.readouterr()
    assert says in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not out


def test_no_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit) as end:
        main(["--no-such-option"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Made(models=["serial"], clients=[1]).write(tmp_path / "run")
    (folder / "plots").write_text("in the way")
    assert main([str(folder)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


# What is computed.


def test_ratios_are_paired_by_pass(tmp_path: Path) -> None:
    # The machine is twice as fast in the second pass; the ratio of medians would be 2.0, that of pairs is 1.5.
    rates = by_pass("serial", "3.13", (100, 200, 100)) | by_pass("threaded", "3.13", (150, 300, 200))
    run = Made(models=["serial", "threaded"], targets=["3.13"], rates=rates).load(tmp_path)
    cell = ("threaded", "cpu", 8, "3.13")
    assert pick(over_passes(run.windows, "throughput_rps"), cell) == Spread(200, 150, 300, 3)
    assert pick(against_serial(run.windows), cell) == Spread(1.5, 1.5, 2.0, 3)
    assert pick(against_serial(run.windows), ("serial", "cpu", 8, "3.13")) == Spread(1, 1, 1, 3)


def test_targets_are_paired_by_pass(tmp_path: Path) -> None:
    rates = by_pass("threaded", "3.13", (100, 200, 400)) | by_pass("threaded", "3.13t", (150, 200, 1000))
    run = Made(models=["threaded"], rates=rates).load(tmp_path)
    assert pick(against_target(run.windows, "3.13t", "3.13"), ("threaded", "cpu", 8)) == Spread(1.5, 1.0, 2.5, 3)


def test_a_pass_missing_on_one_side_is_in_no_pair(tmp_path: Path) -> None:
    rates = by_pass("serial", "3.13", (100, 0, 100)) | by_pass("threaded", "3.13", (150, 300, 200))
    run = Made(models=["serial", "threaded"], targets=["3.13"], rates=rates).load(tmp_path)
    assert pick(against_serial(run.windows), ("threaded", "cpu", 8, "3.13")) == Spread(1.75, 1.5, 2.0, 2)


def test_one_pass_has_no_range(tmp_path: Path) -> None:
    run = Made(passes=1).load(tmp_path)
    spread = pick(against_serial(run.windows), ("threaded", "io", 8, "3.13"))
    assert spread is not None
    assert not spread.has_range
    assert math.isnan(spread.high)
    assert summarise(run)["throughput_rps_low"].isna().all()
    assert "one_pass" in [caution.code for caution in cautions(run)]
    assert "one pass" in str(findings(run)[1])
    assert "range" not in str(findings(run)[1])


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(1.3, 1.5, Verdict.YES), (0.9, 1.1, Verdict.NO), (1.1, 1.3, Verdict.UNCLEAR)],
)
def test_a_verdict_needs_the_whole_range(low: float, high: float, verdict: Verdict) -> None:
    assert Spread((low + high) / 2, low, high, 3).above(1.2) is verdict


@pytest.mark.parametrize(
    ("threaded", "cores", "says"),
    [
        ((98, 99, 97), 1.0, "but computing does not overlap (cpu 0.98× serial, range 0.97–0.99"),
        ((180, 190, 170), 1.8, "and computing overlaps (cpu 1.80× serial, range 1.70–1.90"),
        ((100, 130, 150), 1.3, "but computing may or may not overlap (cpu 1.30× serial, range 1.00–1.50"),
        ((180, 190, 170), 1.0, "but computing may or may not overlap (cpu 1.80× serial"),  # serial was disturbed
    ],
)
def test_findings_follow_the_numbers(threaded: Sequence[float], cores: float, says: str, tmp_path: Path) -> None:
    rates = by_pass("serial", "3.13", (100, 100, 100)) | by_pass("threaded", "3.13", threaded)
    made = Made(models=["serial", "threaded"], targets=["3.13"], rates=rates, cores={("threaded", "cpu"): cores})
    run = made.load(tmp_path)
    found = {finding.subject: finding.says for finding in findings(run)}
    assert says in found["threaded on 3.13"]
    assert "waiting overlaps" in found["threaded on 3.13"]
    assert ("concurrency without parallelism" in found["threaded on 3.13"]) is ("does not overlap" in says)


def test_nothing_is_concluded_from_disturbed_windows(tmp_path: Path) -> None:
    def warn(model: str, workload: str, clients: int, target: str) -> list[dict[str, Any]]:
        return [{"code": "foreign_cpu", "cores": 1.5}] if (model, workload) == ("threaded", "cpu") else []

    rates = by_pass("serial", "3.13", (100, 100, 100)) | by_pass("threaded", "3.13", (60, 61, 62))
    made = Made(models=["serial", "threaded"], targets=["3.13", "3.13t"], rates=rates, warnings=warn)
    found = {finding.subject: finding.says for finding in findings(made.load(tmp_path))}
    assert "waiting overlaps" in found["threaded on 3.13"]
    assert "computing may or may not overlap" in found["threaded on 3.13"]
    assert "other programs used the CPUs during cpu, so nothing is concluded" in found["threaded on 3.13"]
    assert "disturbed" in found["3.13t against 3.13"].split(";")[1]
    assert "disturbed" not in found["3.13t against 3.13"].split(";")[0]


def test_targets_are_told_apart_only_beyond_their_range(tmp_path: Path) -> None:
    rates = by_pass("threaded", "3.13", (100, 100, 100)) | by_pass("threaded", "3.13t", (160, 150, 170))
    rates |= by_pass("asyncio", "3.13", (100, 100, 100)) | by_pass("asyncio", "3.13t", (99, 101, 98))
    run = Made(models=["threaded", "asyncio"], rates=rates).load(tmp_path)
    said = str(findings(run)[-1])
    assert "3.13t against 3.13: cpu with 8 clients" in said
    assert "threaded 1.60× (1.50–1.70) faster" in said
    assert "asyncio 0.99× (0.98–1.01) no clear difference" in said


def test_without_serial_effective_cores_speak(tmp_path: Path) -> None:
    run = Made(models=["multiprocess"], targets=["3.13"]).load(tmp_path)
    said = str(findings(run)[0])
    assert "serial was not measured" in said
    assert "several cores compute at once" in said
    assert summarise(run)["speedup"].isna().all()


# What to be wary of.


def test_a_code_is_told_once_with_the_worst(tmp_path: Path) -> None:
    def warn(model: str, workload: str, clients: int, target: str) -> list[dict[str, Any]]:
        if workload != "cpu":
            return []
        return [
            {"code": "littles_law", "residual": -0.3 if clients == 8 else 0.04},
            {"code": "errors", "kinds": {"reset": clients}},
            {"code": "brand_new", "figure": 5},
            {"code": "contended"},
        ]

    run = Made(models=["serial"], targets=["3.13"], warnings=warn).load(tmp_path)
    found = {caution.code: caution for caution in cautions(run)}
    assert "up to 30.0%" in found["littles_law"].says
    assert found["littles_law"].where.startswith("9 of 27 windows: serial-cpu-8-3.13, ")
    assert "8 reset" in found["errors"].says
    assert found["brand_new"].says == '{"figure": 5}'
    assert found["contended"].says == "{}"


def test_a_run_tells_on_itself(tmp_path: Path) -> None:
    made = Made(models=["serial"], clients=[1])
    build = {"version": "3.13.15", "compiler": "GCC 12.2.0", "pgo": True}
    made.meta = {
        "state": "partial",
        "failures": [{"cell": "threaded-cpu-8-3.13", "pass": 1, "reason": "did not start"}],
        "targets": {"3.13": build, "3.13t": {**build, "compiler": "Clang 18", "pgo": False}},
        "plan": {"cells": ["serial-cpu-1-3.13", "threaded-cpu-1-3.13"]},
    }
    found = {caution.code: caution for caution in cautions(made.load(tmp_path))}
    assert "ended early; 1 of 2 planned cells" in found["partial"].says
    assert "did not start" in found["failed_cells"].where
    assert "compiler (3.13 GCC 12.2.0, 3.13t Clang 18)" in found["different_builds"].says
    assert "PGO (3.13 with, 3.13t without)" in found["different_builds"].says


def test_a_clean_run_has_no_cautions(tmp_path: Path) -> None:
    assert cautions(Made().load(tmp_path)) == []


# What serves best.


def best(made: Made, tmp_path: Path, objective: str = "throughput") -> dict[str, Recommendation]:
    run = made.load(tmp_path)
    run.meta["plan"]["objective"] = objective
    return {one.workload: one for one in recommendations(run)}


def test_what_serves_best_is_what_was_measured_to(tmp_path: Path) -> None:
    made = Made(noise=0.001)
    found = best(made, tmp_path)
    rates = {(r.model, r.workload, r.clients, r.target): r.throughput_rps for r in made.records() if r.pass_ == 0}
    for workload, one in found.items():
        most = max((cell for cell in rates if cell[1] == workload and cell[2] == 8), key=rates.__getitem__)
        assert one.best is not None
        assert rates[one.best] == pytest.approx(rates[most], rel=0.01)
    assert found["cpu"].best == ("multiprocess", "cpu", 8, "3.13")
    assert "the next" in found["cpu"].says
    assert (
        "waiting for the GIL" in best(Made(targets=["3.13"], models=["serial", "threaded"]), tmp_path / "2")["cpu"].says
    )


def test_what_is_not_told_apart_is_named(tmp_path: Path) -> None:
    said = best(Made(), tmp_path)["io"].says
    assert "not told apart from it: " in said
    assert "serial" not in said.partition("the next")[0]


def test_one_pass_tells_nothing_apart(tmp_path: Path) -> None:
    said = best(Made(passes=1), tmp_path)["cpu"].says
    assert "(one pass)" in said
    assert "the next" not in said


def test_a_bound_on_latency_leaves_out_what_exceeds_it(tmp_path: Path) -> None:
    free = best(Made(noise=0), tmp_path / "1")["cpu"].best
    bounded = best(Made(noise=0), tmp_path / "2", "p99<1us")["cpu"]
    assert free is not None
    assert bounded.best is None
    assert "the least is" in bounded.says
    assert best(Made(noise=0), tmp_path / "3", "p99<1s")["cpu"].best == free


def test_cpu_and_memory_are_objectives_too(tmp_path: Path) -> None:
    assert "µs of CPU a request" in best(Made(), tmp_path / "1", "cpu")["cpu"].says
    assert "19.1 MiB of memory" in best(Made(), tmp_path / "2", "memory")["cpu"].says


# What is drawn.


def test_everything_is_drawn(drawn: Path) -> None:
    assert {path.name for path in (drawn / "plots").iterdir()} == {
        f"{name}.{kind}" for name in PLOTS for kind in ("svg", "png")
    }
    summary = pd.read_csv(drawn / "summary.csv", dtype={"target": str})
    assert len(summary) == 72
    assert summary["passes"].eq(3).all()


def test_the_parts_of_a_requests_life_add_up(tmp_path: Path) -> None:
    lives = life(Made(noise=0).load(tmp_path))
    assert len(lives) == 72
    assert (lives[list(PARTS)].sum(axis="columns") / lives[LATENCY]).to_numpy() == pytest.approx(1)
    assert (lives[UNEXPLAINED].abs() / lives[LATENCY]).max() < 0.02  # whole requests in a short window
    seconds = {cell: lives.loc[cell] for cell in lives.index}
    assert seconds["serial", "cpu", 4, "3.13"]["queue"] / seconds["serial", "cpu", 4, "3.13"][LATENCY] == pytest.approx(
        0.75, rel=0.02
    )
    assert seconds["threaded", "io", 4, "3.13"]["own_wait"] == pytest.approx(0.005, rel=0.1)
    assert seconds["asyncio", "io", 4, "3.13"]["overlapped"] > 0.8 * seconds["asyncio", "io", 4, "3.13"][LATENCY]
    assert seconds["asyncio", "cpu", 4, "3.13"]["turn"] == pytest.approx(
        3 * seconds["asyncio", "cpu", 4, "3.13"]["cpu"], rel=0.02
    )


def test_what_a_main_thread_does_explains_no_more_than_is_missing(tmp_path: Path) -> None:
    run = Made(models=("threaded",), workloads=("cpu",), clients=(4,), noise=0).load(tmp_path)
    main = {"threads": 1.0, "cpu": 0.5, "run_queue": 0.1, "gil_wait": 0.2, "lock_wait": 0.2, "own_wait": 0.0}
    for roles in run.windows["roles"]:
        roles["main"] = main | {"client_wait": 0.0, "idle": 0.0}
        roles["worker"]["threads"] *= 0.9
    lives = life(run)
    assert (lives["accepted"] / lives[LATENCY]).to_numpy() == pytest.approx(0.1, abs=0.02)
    assert lives[UNEXPLAINED].abs().max() < 1e-9


def test_a_life_that_does_not_add_up_is_warned_of(tmp_path: Path) -> None:
    run = Made(models=("threaded",), workloads=("cpu",), noise=0).load(tmp_path)
    for roles in run.windows["roles"]:
        roles["worker"]["threads"] *= 0.8
    (caution,) = cautions(run)
    assert caution.code == "unexplained"
    assert "in 6 of 6 cells" in caution.says
    assert "+20%" in caution.where


def test_without_accounts_all_else_is_drawn_and_the_reason_told(tmp_path: Path) -> None:
    folder = Made(accounted=False).write(tmp_path / "run")
    page = draw(load_run(folder), quiet=True).read_text(encoding="utf-8")
    assert not (folder / "plots" / "life.svg").exists()
    assert (folder / "plots" / "cores.svg").exists()
    assert "Not known of some or all windows: not asked for." in page


def test_redrawing_gives_the_same_files(drawn: Path) -> None:
    names = ["summary.csv", "report.html", "plots/quadrants.svg", "plots/latency.png"]
    before = [(drawn / name).read_bytes() for name in names]
    assert main([str(drawn), "--quiet"]) == 0
    assert [(drawn / name).read_bytes() for name in names] == before
    assert to_csv(summarise(load_run(drawn))).encode() == before[0]


def test_the_page_fetches_nothing(drawn: Path) -> None:
    page = (drawn / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b", page)
    assert not re.search(r"""(?:src|href)\s*=\s*(?!"#)""", page)
    assert not re.search(r"url\((?!#)|@import", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


def test_the_page_tells_all(drawn: Path) -> None:
    page = (drawn / "report.html").read_text(encoding="utf-8")
    for part in (
        "concurrency without parallelism",
        "nox -s bench -- --passes 3",
        "AMD EPYC",
        "GCC 12.2.0",
        "contended",
    ):
        assert part in page
    assert page.count("<tr") > 72
    assert "Partial." not in page


def test_the_plots_are_xml(drawn: Path) -> None:
    for path in (drawn / "plots").glob("*.svg"):
        assert ET.parse(path).getroot().tag.endswith("svg")  # noqa: S314 - our own file


def test_names_are_escaped(tmp_path: Path) -> None:
    evil = "<script>alert('$x$')</script>--[bold]"
    made = Made(models=["serial", "threaded"], targets=[evil, "3.13"], passes=2)
    made.meta = {"command": f"nox {evil}", "failures": [{"cell": evil, "pass": 0, "reason": evil}], "state": evil}
    folder = made.write(tmp_path / "run")
    assert main([str(folder)]) == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


NARROWED = {
    "one of everything": Made(["serial"], ["echo"], [1], ["3.13"], 1),
    "no serial": Made(["threaded", "asyncio"], WORKLOADS, [1, 8], ["3.13t"], 2),
    "only io": Made(MODELS, ["io"], [8], ["3.13"], 2),
    "only cpu, many clients": Made(MODELS, ["cpu"], [1, 2, 3, 4, 16, 64], ["3.13", "3.13t"], 1),
    "one client": Made(MODELS, WORKLOADS, [1], ["3.13"], 3),
    "many targets": Made(MODELS, WORKLOADS, [8], ["3.9", "3.13", "3.13t", "/opt/a/long/path/to/python3.14"], 2),
    "nothing answered": Made(["serial"], ["cpu"], [8], ["3.13"], 2, rates=by_pass("serial", "3.13", (0, 0))),
    "run.json says little": Made(meta=dict.fromkeys(("plan", "machine", "targets", "control", "work", "failures"))),
}


@pytest.mark.parametrize("name", NARROWED)
def test_a_narrowed_run_is_drawn_too(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = NARROWED[name].write(tmp_path / "run")
    assert main([str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == str(folder / "report.html")
    assert max(map(len, out.splitlines()[:-1])) <= 80


def test_a_plot_with_nothing_to_show_leaves_no_old_file(tmp_path: Path) -> None:
    folder = Made(["serial"], ["echo"], [1], ["3.13"], 1).write(tmp_path / "run")
    (folder / "plots").mkdir()
    (folder / "plots" / "quadrants.svg").write_text("old")
    assert main([str(folder), "--quiet"]) == 0
    assert not (folder / "plots" / "quadrants.svg").exists()


def test_a_partial_run_says_so(tmp_path: Path) -> None:
    folder = Made(["serial"], ["cpu"], [1], ["3.13"], 2, meta={"state": "running"}).write(tmp_path / "run")
    assert main([str(folder), "--quiet"]) == 0
    assert "Partial." in (folder / "report.html").read_text(encoding="utf-8")


def test_a_poor_terminal_gets_plain_text(drawn: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.analysis", str(drawn)],
        capture_output=True,
        check=True,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "ascii", "COLUMNS": "80"},
    )
    assert b"\x1b" not in done.stdout
    assert b"threaded" in done.stdout
    assert not done.stderr


if __name__ == "__main__":  # python tests/test_analysis.py FOLDER: a run to look at
    Made(warnings=contended).write(Path(sys.argv[1]))
