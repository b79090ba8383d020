"""The record, the folder of a run, and the clock that replays records to pytest-benchmark."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.adapter.clock import Replay, seconds_per_request
from bench.errors import GilbenchError
from bench.runner.lock import only_run
from bench.schema.record import SCHEMA, Record, field_names
from bench.schema.record_parts import ConnectTime, ContextSwitches, CpuTime, Latency, ThreadStates
from bench.schema.run_folder import RunFolder
from bench.schema.run_meta import RunMeta, State
from bench.schema.thread_state import THREAD_STATES

RECORD = Record(
    model="threaded",
    workload="cpu",
    clients=8,
    interpreter="3.13t",
    requests_per_connection=None,
    pass_=2,
    launch=41,
    at_s=1.8e9,
    wall_s=0.5,
    requests=1000,
    errors={"reset": 2},
    throughput_rps=2000.0,
    latency_ns=Latency(1, 2.5, 3, 4, 5, 6, 7),
    connect_ns=ConnectTime(None, None, None),
    latency_hdr="abc",
    server_cpu_s=CpuTime(0.5, 0.25),
    generator_cpu_s=0.01,
    generator_utilisation=0.02,
    effective_cores=1.5,
    context_switches=ContextSwitches(10, 20, estimated=True),
    peak_rss_bytes=None,
    warnings=[{"code": "errors", "kinds": {"reset": 2}}],
)

DESIGNED = {
    *(
        "schema",
        "model",
        "workload",
        "clients",
        "interpreter",
        "requests_per_connection",
        "pass",
        "launch",
        "wall_s",
        "requests",
    ),
    *("errors", "throughput_rps", "latency_ns", "connect_ns", "latency_hdr", "server_cpu_s", "generator_cpu_s"),
    *("effective_cores", "context_switches", "peak_rss_bytes", "thread_states", "warnings"),
}


META = RunMeta(schema=1, name="", created="2026-11-30T10:00:00+00:00", state=State.RUNNING)


def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path, "test", META)


def test_record_keeps_the_names_of_its_fields() -> None:
    raw = json.loads(RECORD.to_json())
    assert raw.keys() >= DESIGNED
    assert raw["latency_ns"].keys() == {"min", "mean", "p50", "p90", "p99", "p999", "max"}
    assert raw["thread_states"] == dict.fromkeys(("cpu", "run_queue", "gil_wait", "lock_wait", "blocked", "idle"))
    assert "\n" not in RECORD.to_json()


def test_record_reads_back_what_it_writes() -> None:
    assert Record.from_json(RECORD.to_json()) == RECORD


def test_record_ignores_fields_of_a_later_minor_version() -> None:
    raw: dict[str, Any] = json.loads(RECORD.to_json()) | {"brand_new": 1}
    raw["latency_ns"]["p9999"] = 1
    assert Record.from_json(json.dumps(raw)) == RECORD


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"schema": 1}', '{"schema": "x"}', "null", "nonsense"])
def test_record_explains_an_invalid_line_in_one_line(line: str) -> None:
    with pytest.raises(GilbenchError) as refused:
        Record.from_json(line)
    assert "\n" not in str(refused.value)


def test_record_asks_for_a_newer_gilbench_for_a_newer_schema() -> None:
    with pytest.raises(GilbenchError, match="update gilbench"):
        Record.from_json(RECORD.to_json().replace(f'"schema": {SCHEMA}', '"schema": 99'))


def test_record_refuses_to_write_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        replace(RECORD, wall_s=float("nan")).to_json()


def test_run_folder_writes_records_to_disk_at_once(tmp_path: Path) -> None:
    run = folder(tmp_path)
    run.append([RECORD])
    lines = (run.path / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert [Record.from_json(line) for line in lines] == [RECORD]
    assert json.loads((run.path / "run.json").read_text(encoding="utf-8"))["state"] == "running"
    run.fail("serial-io-1-3.13", 0, "why")
    failures = json.loads((run.path / "run.json").read_text(encoding="utf-8"))["failures"]
    assert failures == [{"cell": "serial-io-1-3.13", "pass": 0, "reason": "why"}]
    run.close()


def test_run_folder_points_latest_to_the_newest_run(tmp_path: Path) -> None:
    first = RunFolder(tmp_path, "one", META)
    second = RunFolder(tmp_path, "two", META)
    assert (tmp_path / "latest").resolve() == second.path.resolve()
    assert not (tmp_path / "latest").readlink().is_absolute()
    first.close()
    second.close()


def test_run_folder_explains_a_folder_it_cannot_write_to_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way", encoding="utf-8")
    with pytest.raises(GilbenchError, match="choose another folder with --results") as refused:
        folder(tmp_path)
    assert "\n" not in str(refused.value)


def test_run_folder_keeps_written_records_on_a_full_disk(tmp_path: Path) -> None:
    run = folder(tmp_path)
    run.append([RECORD])
    before = (run.path / "records.jsonl").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with pytest.raises(GilbenchError, match="make room"):
            run.append([RECORD])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run.close()
    assert (run.path / "records.jsonl").read_bytes().startswith(before)


def test_only_run_refuses_a_second_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    other = "from bench.runner.lock import only_run\nwith only_run(): print('measuring', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", other], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"measuring\n"
        with pytest.raises(GilbenchError, match=f"another run is measuring .process {process.pid}."), only_run():
            pass
        process.communicate(b"\n")
    with only_run():
        assert os.listdir(tmp_path) == [f"gilbench-{os.getuid()}.lock"]  # noqa: PTH208 - only names are needed


def test_replay_advances_the_clock_by_seconds_per_request() -> None:
    replay = Replay([RECORD, replace(RECORD, wall_s=2.0)])
    before_s = seconds_per_request()
    replay()
    middle_s = seconds_per_request()
    replay()
    assert middle_s - before_s == pytest.approx(0.5 / 1000)
    assert seconds_per_request() - middle_s == pytest.approx(2.0 / 1000)


def test_split_has_a_field_for_each_thread_state() -> None:
    assert field_names(ThreadStates) == tuple(state.key for state in THREAD_STATES)
