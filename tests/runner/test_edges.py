"""The edges of a window: CPU time and its divisor cover the same interval, however late the edges are read."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from bench.analysis.disturbance import disturbed_visits
from bench.analysis.load import read_run
from bench.narrative.recommend import recommendations
from bench.runner.cpu_clocks import Clocks
from bench.runner.machine import MachineTime
from bench.runner.window import Edge, Measured
from bench.schema.cell import Cell
from bench.schema.record import Record
from bench.schema.record_parts import CpuInterval, CpuTime, ThreadAccounting, ThreadStates
from bench.threads import usage
from loadgen import Load, LoadResult, run
from loadgen.engine.answered import Answered
from loadgen.histograms.histogram import Histogram
from loadgen.host.host_observer import ServerUse
from loadgen.host.process_tree import Usage, offset_s, read
from loadgen.load import OVERRUN_S
from loadgen.result import EngineUse
from loadgen.validation.checks import edges_late
from loadgen.validation.warning_codes import EDGES_WITHIN
from tests.support.made import Made
from tests.support.reference import reference_server
from tests.support.until import until

WINDOW_S = 0.5


def reading(at_s: float, cpu_s: float, counted: float, took_s: float = 0.0) -> Usage:
    return Usage(at_s, took_s, counted, cpu_s, 0, 0, 0, 0, frozenset(), 2**20, 0, 0, True)


def measured(first: Usage, last: Usage, *, requests: int = 500) -> Measured:
    """Return a window from 100.0 to 100.5 s in which a server with two busy processes answered 1,000 requests/s."""
    load = Load(host="127.0.0.1", port=1, connections=2, duration_s=WINDOW_S)
    latency = Histogram()
    result = LoadResult(
        load=load,
        began_s=100.0,
        wall_s=WINDOW_S,
        requests=requests,
        errors={},
        latency=latency,
        service=latency,
        connect=latency,
        lateness=latency,
        gaps_intended=latency,
        gaps_sent=latency,
        engines=(EngineUse(0.01, 0.1),),
        connected=2,
        late_sends=0,
        censored=0,
        censored_from_ns=None,
        unfinished=0,
        oldest_unfinished_s=0.0,
        age_before_ns=0,
        age_after_ns=0,
        mean_in_service=2.0,
        served_ns=0,
        intervals=(),
        host_metrics=None,
        cancelled=False,
    )
    begin, end = (Edge(one, MachineTime(one.at_s, one.cpu_s, 0.0, 0.0), Clocks(None, None)) for one in (first, last))
    cpu = CpuTime(last.cpu_s - first.cpu_s, 0.0)
    return Measured(
        Cell("multiprocess", "cpu", 2, "own"), 0.0, result, begin, end, cpu, ThreadStates(), ThreadAccounting(), None
    )


def record(first: Usage, last: Usage) -> Record:
    return measured(first, last).record(pass_=0, launch=0, round_=0, at_ready=first, life=None)


@pytest.mark.parametrize(
    ("late_s", "later_s"), [(0.0, 0.0), (0.0, 0.45), (0.3, 0.0), (0.2, 1.2), (0.004, 0.005)], ids=str
)
def test_measured_gives_true_cores_and_cpu_per_request_however_late_the_edges(late_s: float, later_s: float) -> None:
    began_s, ended_s = 100.0 + late_s, 100.5 + later_s
    first = reading(began_s, 7.0 + 2 * late_s, 40 + 1000 * late_s)
    last = reading(ended_s, 7.0 + 2 * (ended_s - 100.0), 40 + 1000 * (ended_s - 100.0))
    made = record(first, last)
    assert made.effective_cores == pytest.approx(2.0)
    assert made.cpu_interval is not None
    assert made.server_cpu_s.total == pytest.approx(made.effective_cores * made.cpu_interval.wall_s)
    assert made.server_cpu_s.total / made.cpu_interval.requests == pytest.approx(0.002)
    assert made.cpu_interval.offset_s == pytest.approx(late_s + later_s)
    codes = [warning["code"] for warning in made.warnings]
    assert ("edges_late" in codes) == (late_s + later_s > EDGES_WITHIN * WINDOW_S)
    assert made.foreign_cpu_s == pytest.approx(0.0, abs=1e-9)
    assert Record.from_json(made.to_json()) == made


def test_offset_s_adds_both_edges_and_half_of_each_reading() -> None:
    first, last = reading(10.001, 0, 0, took_s=0.002), reading(10.997, 0, 0, took_s=0.004)
    assert offset_s(first, last, 10.0, 11.0) == pytest.approx(0.001 + 0.003 + 0.003)


def test_edges_late_warns_above_two_per_cent_of_the_window() -> None:
    assert edges_late(0.0199, 1.0) is None
    assert edges_late(0.0201, 1.0) == {"offset_s": 0.0201, "share": 0.0201}
    assert edges_late(1.0, 0.0) is None  # a window without length has no edges


def test_process_tree_reads_the_counter_around_the_clocks() -> None:
    counts = iter((10, 16))
    before_s = time.monotonic()
    found = read(os.getpid(), lambda: next(counts))
    assert found.counted == 13
    assert before_s <= found.at_s - found.took_s / 2 <= found.at_s + found.took_s / 2 <= time.monotonic()
    assert usage.read(os.getpid()).counted == 0


def test_run_keeps_a_closed_load_on_until_on_end_returns() -> None:
    answered, seen = Answered(), []

    def on_end() -> None:
        seen.append(answered())
        assert until(lambda: answered() > seen[0] + 100, OVERRUN_S)
        seen.append(answered())

    with reference_server("threaded", "--workload", "echo") as port:
        load = Load(host="127.0.0.1", port=port, connections=2, duration_s=0.05)
        result = run(load, on_end=on_end, answered=answered)
        plain = run(load)
    assert seen[1] > seen[0] + 100
    assert result.requests <= seen[0], "what the load did after its window is not of the window"
    assert result.wall_s == plain.wall_s == 0.05
    assert result.latency.total == result.requests
    assert abs(result.littles_law_residual or 0.0) < 1


def test_run_counts_what_was_answered_from_the_first_request_on() -> None:
    answered, at_begin = Answered(), []
    assert answered() == 0
    with reference_server("serial", "--workload", "echo") as port:
        load = Load(host="127.0.0.1", port=port, duration_s=0.05, warmup_s=0.2)
        result = run(load, on_begin=lambda: at_begin.append(answered()), answered=answered)
    assert at_begin[0] > 0, "the warm-up's"
    assert answered() >= result.requests + 1


def test_server_use_divides_within_its_own_interval() -> None:
    used = ServerUse(1, wall_s=2.0, requests=400, offset_s=1.0, cpu_s=1.0, peak_rss_bytes=0, rss_growth_bytes=0)
    assert (used.cores, used.cpu_s_per_request) == (0.5, 0.0025)
    idle = dataclasses.replace(used, requests=0, wall_s=0.0)
    assert (idle.cores, idle.cpu_s_per_request) == (0.0, None)


def test_read_run_divides_cpu_time_by_the_requests_of_its_interval(tmp_path: Path) -> None:
    made = Made(models=("serial",), workloads=("echo",), clients=(1,), interpreters=("3.13",), passes=1)
    (one,) = made.records()
    late = dataclasses.replace(one, cpu_interval=CpuInterval(1.0, 2.0 * one.requests, 0.5))
    folder = made.write(tmp_path / "run")
    (folder / "records.jsonl").write_text(one.to_json() + "\n" + late.to_json() + "\n", encoding="utf-8")
    per_request = read_run(folder).windows["cpu_s_per_request"].tolist()
    assert per_request == pytest.approx([one.server_cpu_s.total / one.requests * factor for factor in (1, 0.5)])


def test_recommendations_leave_out_cells_whose_edges_were_late(tmp_path: Path) -> None:
    late = [{"code": "edges_late", "offset_s": 0.3, "share": 0.6}]
    made = Made(workloads=("cpu",), clients=(4,), warnings=lambda model, *_: late if model == "multiprocess" else [])
    run_ = made.load(tmp_path)
    assert {cell[0] for cell, hit in disturbed_visits(run_).items() if hit} == {"multiprocess"}
    (found,) = recommendations(run_)
    assert found.best is None
    assert found.answer == "undecided: multiprocess on 3.13 is ahead, although disturbed"
    assert "left out because disturbed: multiprocess on 3.13 and 3.13t" in found.says
    (none,) = recommendations(dataclasses.replace(made, warnings=lambda *_: late).load(tmp_path / "all"))
    assert none.best is None
    assert "disturbed" in none.says
