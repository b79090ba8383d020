"""Quick requests beside clients that let the same server compute."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from bench.analysis.findings import findings
from bench.analysis.life import life
from bench.analysis.load import read_run
from bench.analysis.plots import convoy
from bench.analysis.plots.style import render, style
from bench.interpreters.targets import Target, resolve
from bench.measure import measure
from bench.planning.options import OPTIONS, read
from bench.planning.plan import Cell, served
from bench.record import Beside, Record
from bench.server import Server
from tests.support.interpreters import found
from tests.support.made import Made

pytestmark = pytest.mark.quiet

OWN = resolve(f"own={sys.executable}", [])[0]


def measured(target: Target, beside: int, *, model: str = "threaded", window_s: float = 0.6) -> Record:
    server = Server(target, model, "mixed")
    try:
        server.ready()
        cell = Cell(model, f"mixed+{beside}", 1, target.name)
        window = measure(cell, server, window_s=window_s, warmup_s=0.1, conversation=None)
    finally:
        server.stop()
    return window.record(pass_=0, start=0, round_=0, at_ready=window.begin.usage, life=None)


def test_computing_clients_are_counted_beside() -> None:
    alone, beside = measured(OWN, 0), measured(OWN, 2)
    assert alone.beside is None
    assert beside.beside is not None
    assert beside.beside.clients == 2
    assert beside.beside.requests > 0
    assert beside.beside.errors == {}
    assert beside.beside.latency_p50_ns is not None
    assert beside.beside.latency_p50_ns > 2_000_000
    assert alone.throughput_rps > 10 * beside.throughput_rps, "quick requests wait for the GIL"
    assert Record.from_json(beside.to_json()) == beside
    assert Record.from_json(alone.to_json()) == alone


def test_a_switch_interval_ten_times_smaller_makes_the_longest_waits_ten_times_shorter() -> None:
    # Within a factor of two; the machine may be busy, so the best of some tries counts.
    quick = resolve(f"quick={sys.executable}+switch=0.0005", found())[0]
    tried = []
    for _ in range(6):
        plain, shorter = (measured(target, 1).latency_ns.p99 for target in (OWN, quick))
        assert plain is not None
        assert shorter is not None
        tried.append(plain / shorter)
        if 5 <= tried[-1] <= 20:
            return
    pytest.fail(f"p99 with the plain interval over p99 with a tenth of it: {tried}")


def test_mixed_is_measured_with_several_numbers_of_computing_clients() -> None:
    words = {name: option.default for name, option in OPTIONS.items()}
    wanted = read(words | {"pythons": f"mine={sys.executable}", "workloads": "echo,mixed,mixed+7", "servers": "serial"})
    assert wanted.workloads == ["echo", "mixed+0", "mixed+1", "mixed+2", "mixed+4", "mixed+7"]
    assert [served(name) for name in wanted.workloads[::4]] == [("echo", 0), ("mixed", 4)]


def test_it_is_drawn_and_not_taken_for_overlapping(tmp_path: Path) -> None:
    made = Made(workloads=("echo",), clients=(1,), passes=2)
    records = [
        dataclasses.replace(
            one,
            workload=f"mixed+{beside}",
            throughput_rps=one.throughput_rps / (1 + 10 * beside),
            beside=Beside(beside, 50, {}, 100.0, 10_000_000) if beside else None,
        )
        for one in made.records()
        for beside in (0, 1, 4)
    ]
    folder = made.write(tmp_path / "run")
    (folder / "records.jsonl").write_text("".join(one.to_json() + "\n" for one in records), encoding="utf-8")
    run = read_run(folder)
    with style():
        figure = convoy.draw(run)
    assert figure is not None
    assert len(figure.axes) == len(convoy.COLUMNS) * 4
    assert render(figure, "convoy")[0] == render(figure, "convoy")[0]
    told = [str(finding) for finding in findings(run)]
    assert not [one for one in told if "effective cores" in one]
    (threaded,) = [one for one in told if one.startswith("threaded on 3.13:")]
    assert "beside 1 computing client, 1 client with quick requests get 0.09× (0.09–0.09) the throughput" in threaded
    assert {cell[1] for cell in life(run).index} == {"mixed+0"}
    with style():
        assert convoy.draw(Made(workloads=("echo",)).load(tmp_path / "other")) is None
