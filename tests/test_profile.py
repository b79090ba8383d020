"""Profiling: what profilers and the timeline say of servers whose insides are known, and what fails how."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.accounting import timeline
from bench.accounting.close_sampler import CloseSampler
from bench.accounting.timeline import ABSENT, DOINGS, Doing
from bench.errors import GilbenchError
from bench.measure import measure
from bench.planning.plan import Cell
from bench.profile.__main__ import main
from bench.profile.profilers import AUTO, PROFILERS, choose
from bench.profile.profilers import py_spy as py_spy_module
from bench.profile.profilers.perf import PERF
from bench.profile.profilers.profiler import Asked, Profiler, Refused, remedy
from bench.profile.profilers.py_spy import PY_SPY
from bench.profile.stacks import Kind, Stacks, blocked, frame, to_text
from bench.server import Server
from loadgen import Load, run
from loadgen.wires import any_line_wire
from tests.support.interpreters import chosen, newest
from tests.support.made import Made
from tests.support.until import until

pytestmark = pytest.mark.quiet

GIL_BUILDS = [name for name in chosen() if newest()[name].build["gil_enabled"]]
FREE = [name for name in chosen() if not newest()[name].build["gil_enabled"]]
HOLDS, RELEASES, WAITS = 0.6, 0.2, 0.2
PARTS = """
import hashlib, os, threading, time

DATA = b"x" * 200_000
LEFT = []

def holds(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass

def releases(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        hashlib.sha256(DATA).digest()

def waits(seconds):
    time.sleep(seconds)

def parts(request):
    holds(0.012)
    releases(0.004)
    waits(0.004)
    return b"done"

def mortal(request):
    LEFT.append(request)
    if len(LEFT) > 100:
        os._exit(3)
    time.sleep(0.001)
    return b"still here"

def hoards(request):
    LEFT.append(request * 1_000)
    return b"kept"
"""


@pytest.fixture(autouse=True)
def a_lock_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    path = tmp_path / "parts.py"
    path.write_text(PARTS, encoding="utf-8")
    return path


@contextmanager
def serving(target: str, model: str, workload: str) -> Iterator[Server]:
    server = Server(newest()[target], model, workload)
    try:
        server.ready()
        yield server
    finally:
        server.stop()


def share_of_gil(server: Server, target: str, scratch: Path, seconds: float) -> dict[str, float]:
    """Return for which share of the time each function of the handler held the GIL, by samples."""
    profiler, _ = choose(AUTO, newest()[target])
    assert profiler is not None
    rate = 500
    with profiler.sample(
        Asked(server.pid, newest()[target], Kind.GIL, "parts.py:parts", False, rate, scratch)
    ) as sample:
        load = Load(host="127.0.0.1", port=server.port, duration_s=seconds, wire=any_line_wire(b"x"))
        result = run(load, on_end=sample.end)
    assert result.requests > 10
    held: dict[str, float] = {}
    for stack, count in sample.stacks().items():
        for name in ("holds", "releases", "waits"):
            if any(part.startswith(f"{name} (") for part in stack):
                held[name] = held.get(name, 0.0) + count / rate / seconds
    return held


@pytest.mark.parametrize("target", GIL_BUILDS)
def test_the_function_that_holds_the_gil_for_60_percent_is_told_so(target: str, parts: Path, tmp_path: Path) -> None:
    with serving(target, "serial", f"{parts}:parts") as server:
        for attempt in range(4):  # the machine may have had something else to do
            scratch = tmp_path / str(attempt)
            scratch.mkdir()
            held = share_of_gil(server, target, scratch, 2.0)
            if abs(held.get("holds", 0.0) - HOLDS) <= 0.05 and held.get("releases", 0.0) <= 0.05:
                break
    assert held["holds"] == pytest.approx(HOLDS, abs=0.05), held
    assert held.get("releases", 0.0) <= 0.05, held
    assert held.get("waits", 0.0) <= 0.03, held


def timeline_of(server: Server, target: str, clients: int, seconds: float = 1.0) -> tuple[timeline.Timeline, Any]:
    """Return the timeline of a window, and the split by the accounts of the same window."""
    with closing(CloseSampler(server.pid, frozenset({server.port}))) as sampler:
        measured = measure(
            Cell("threaded", "cpu", clients, target),
            server,
            window_s=seconds,
            warmup_s=0.1,
            conversation=None,
            onlookers=[sampler],
            trace=10_000,
        )
        found = sampler.timeline()
    assert measured.split.gil_wait is not None
    assert len(measured.result.trace) == measured.result.requests
    return found, measured.split


@pytest.mark.parametrize("target", GIL_BUILDS)
def test_the_timeline_waits_for_the_gil_as_long_as_the_accounts_say(target: str) -> None:
    with serving(target, "threaded", "cpu") as server:
        for _ in range(4):
            found, split = timeline_of(server, target, clients=4, seconds=1.5)
            shares = found.shares()
            if abs(shares[Doing.GIL] - split.gil_wait) <= 0.05 and shares[Doing.HOLDING] > 0.01:
                break
    assert shares[Doing.GIL] == pytest.approx(split.gil_wait, abs=0.05)
    assert shares[Doing.GIL] + shares[Doing.QUEUE] == pytest.approx(split.gil_wait + split.run_queue, abs=0.15)
    assert shares[Doing.GIL] + shares[Doing.QUEUE] > 0.4
    assert shares[Doing.HOLDING] > 0.01
    assert sum(shares.values()) == pytest.approx(1)
    assert 200e3 < found.resolution_ns < 10e6
    assert found.cost_cores < 0.2
    assert len(found.lanes) == 5


@pytest.mark.parametrize("target", FREE)
def test_without_a_gil_lanes_overlap_and_none_waits_for_one(target: str) -> None:
    with serving(target, "threaded", "cpu") as server:
        found, split = timeline_of(server, target, clients=2)
    assert split.gil_wait == 0
    assert found.shares()[Doing.GIL] == 0
    assert found.shares()[Doing.HOLDING] == 0
    runs = [
        sum(end - begin for begin, end, doing in lane.spans if doing in {Doing.RUNNING, Doing.QUEUE})
        for lane in found.lanes
    ]
    assert sum(runs) > 1.3 * (found.end_ns - found.begin_ns)


def test_threads_that_come_and_go_have_lanes_of_their_own() -> None:
    target = next(iter(chosen()))
    cell = Cell("threaded", "io", 2, target)
    with (
        serving(target, "threaded", "io") as server,
        closing(CloseSampler(server.pid, frozenset({server.port}))) as sampler,
    ):
        measure(cell, server, window_s=0.6, warmup_s=0.1, conversation=10, onlookers=[sampler])
        found = sampler.timeline()
    workers = [lane for lane in found.lanes if lane.tid != server.pid]
    assert len(workers) >= 6  # 10 requests of 5 ms each
    for lane in workers:
        assert all(before.end_ns == after.begin_ns for before, after in zip(lane.spans, lane.spans[1:], strict=False))
    assert found.shares()[Doing.OWN] > 0.6


def codes(*rows: str) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    letters = dict(zip("RHGQLOI", range(len(DOINGS)), strict=True)) | {" ": ABSENT}
    return np.array([[letters[letter] for letter in row] for row in rows], np.int8)


def test_who_runs_while_others_wait_holds_the_gil() -> None:
    found = timeline.with_holders(codes("RRGGRR", "GGRRRI", "GGGGGI"))
    assert (found == codes("HHGGRR", "GGHHHI", "GGGGGI")).all()


def test_the_growth_of_the_time_in_the_queue_is_entered_backwards() -> None:
    row = codes("RRRRRRRR")[0]
    ticks_ns = np.arange(8) * 1_000_000
    timeline.enter_queues(row, [(0, 500), (5, 3_000_500), (7, 3_000_500)], ticks_ns)
    assert (row == codes("RRQQQRRR")[0]).all()


# The profilers.


def test_stacks_are_folded_and_what_is_blocked_is_all_but_cpu() -> None:
    wall, cpu = Stacks({("a", "b"): 5, ("a",): 2}), Stacks({("a", "b"): 3, ("a",): 4})
    assert blocked(wall, cpu) == Stacks({("a", "b"): 2})
    assert to_text(wall) == "a;b 5\na 2\n"
    assert frame("f;g", "/usr/lib/python3.12/queue.py", "7") == "f,g (queue.py:7)"
    assert frame("f", "<frozen runpy>") == "f (<frozen runpy>)"


@pytest.mark.parametrize("target", chosen())
def test_auto_takes_what_works_for_an_interpreter_and_says_why_not_the_others(target: str) -> None:
    profiler, refused = choose(AUTO, newest()[target])
    best = (
        "sampling"
        if newest()[target].release >= (3, 15)
        else "perf"
        if newest()[target].build["freethreaded"]
        else "py-spy"
    )
    if best == "perf" and "perf" in refused:  # this machine has none, or forbids it
        assert profiler is None
        return
    assert profiler is not None
    assert profiler.name == best
    assert list(refused) == list(PROFILERS)[: list(PROFILERS).index(best)]


def test_a_profiler_that_does_not_know_an_interpreter_is_refused_by_name() -> None:
    with pytest.raises(Refused, match=r"it comes with CPython 3.15; choose --profiler py-spy"):
        choose("sampling", newest()[next(name for name in newest() if newest()[name].release < (3, 15))])


def sample(profiler: Profiler, asked: Asked) -> Stacks:
    with profiler.sample(asked) as sampler:
        time.sleep(0.5)
        sampler.end()
    return sampler.stacks()


@pytest.mark.parametrize("target", FREE)
def test_a_profiler_that_dies_of_an_interpreter_is_told_in_a_line(target: str, tmp_path: Path) -> None:
    daring = PY_SPY._replace(refusal=lambda _: None)
    with serving(target, "threaded", "cpu") as server:
        asked = Asked(server.pid, newest()[target], Kind.CPU, "cpu", False, 100, tmp_path)
        with pytest.raises(Refused) as told:
            sample(daring, asked)
    assert "choose another by --profiler" in str(told.value)
    assert "\n" not in str(told.value)


def program(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def test_without_the_right_to_trace_the_remedy_is_named_and_the_rest_is_measured(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None, capfd: pytest.CaptureFixture[str]
) -> None:
    # py-spy itself, by somebody who may not look at the server.
    unprivileged = program(
        tmp_path / "py-spy",
        f"""\
        #!{sys.executable}
        import os, sys
        os.setgroups([])
        os.setuid(65534)
        os.execv({str(py_spy_module.PROGRAM)!r}, sys.argv)
        """,
    )
    monkeypatch.setattr(py_spy_module, "PROGRAM", unprivileged)
    words = [
        "--server",
        "serial",
        "--clients",
        "1",
        "--workload",
        f"{parts}:parts",
        "--rounds",
        "1",
        "--window",
        "300ms",
    ]
    target = next(iter(GIL_BUILDS))
    assert main([*words, "--profiler", "py-spy", "--python", target, "--results", str(tmp_path / "results")]) == 0
    out = capfd.readouterr().out
    assert "failed: py-spy failed" in out
    assert "run as root, or sudo sysctl kernel.yama.ptrace_scope=0" in out, out
    (folder,) = (tmp_path / "results" / "latest" / "profile").glob("serial-parts-1-*")
    told = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    assert len(told["failures"]) == 3
    assert told["timeline"]["looks"] > 50
    assert not list(folder.glob("*.folded"))


def test_where_perf_is_missing_or_forbidden_it_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = next((one for one in newest().values() if one.release >= (3, 13)), None)
    assert target is not None
    monkeypatch.setenv("PATH", str(tmp_path))
    refusal = PERF.refusal(target)
    assert refusal is not None
    assert "install linux-perf" in refusal.remedy
    program(tmp_path / "perf", "#!/bin/sh\necho 'Access to performance monitoring is limited' >&2\nexit 255\n")
    refusal = PERF.refusal(target)
    assert refusal is not None
    assert "the system forbids it" in refusal.reason
    assert "kernel.perf_event_paranoid" in refusal.remedy
    assert "perf_event_paranoid" in remedy("perf_event_paranoid setting is 4")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the drawing, which other tests look at."""
    monkeypatch.setattr("bench.profile.__main__.draw", lambda _: 0)


def untouched(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("run.json", "records.jsonl")}


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """A run of one model and the user's own handlers, as if it had been measured."""
    target = newest()[next(iter(GIL_BUILDS))]
    folder = Made(models=("serial", "threaded"), workloads=("cpu",), clients=(1, 2), targets=(target.name,)).write(
        tmp_path / "run"
    )
    meta = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    meta["targets"] = {target.name: target.build}
    meta["plan"] |= {
        "handlers": {},
        "request": "hello",
        "objective": "throughput",
        "rounds": 1,
        "precision": None,
        "same_within": 0.01,
        "baseline": target.name,
        "fixed_layout": False,
    }
    (folder / "run.json").write_text(json.dumps(meta), encoding="utf-8")
    return folder


QUICK = ("--rounds", "1", "--window", "300ms")


def test_the_slowest_cell_of_a_run_is_profiled_into_its_page(measured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = untouched(measured)
    began_s = time.monotonic()
    assert main(["--from", str(measured), "--slowest", *QUICK]) == 0
    assert time.monotonic() - began_s < 60
    assert untouched(measured) == before
    (folder,) = (path for path in (measured / "profile").iterdir() if path.is_dir())
    assert folder.name.startswith("threaded-cpu-")  # 0.98 of serial's
    windows = [json.loads(line) for line in (folder / "windows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"plain", "timeline", "gil", "cpu", "wall"} == {one["with"] for one in windows}
    told = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    assert set(told["costs"]) == {"timeline", "gil", "cpu", "wall"}
    for name in ("flame-gil.html", "stacks.speedscope.json", "timeline.trace.json", "stacks-blocked.folded"):
        assert (folder / name).stat().st_size < 1e6
    page = (measured / "report.html").read_text(encoding="utf-8")
    assert '"threaded-cpu-' in page.split('"profile":')[1].split("]")[0]
    assert "respond (servers/workloads/cpu.py" in page
    assert "throughput with gil" in capfd.readouterr().out


def test_a_server_that_ends_in_the_middle_is_one_line_and_harms_nothing(
    parts: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--server",
        "serial",
        "--workload",
        f"{parts}:mortal",
        "--python",
        next(iter(GIL_BUILDS)),
        "--clients",
        "1",
    ]
    assert main([*words, "--results", str(tmp_path / "results"), "--window", "500ms", "--rounds", "9"]) == 1
    err = capfd.readouterr().err
    assert "ended by itself" in err
    assert err.count("\n") == 1
    meta = json.loads((tmp_path / "results" / "latest" / "run.json").read_text(encoding="utf-8"))
    assert meta["state"] == "partial"


def test_ctrl_c_keeps_what_was_found(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bench.profile", "--python", next(iter(GIL_BUILDS)), "--server", "threaded"]
    words += ["--workload", "cpu", "--clients", "2", "--rounds", "50", "--window", "200ms", "--results", str(tmp_path)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            assert until(lambda: list(tmp_path.glob("runs/*/run.json")))
            time.sleep(6)
            process.send_signal(2)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    (folder,) = tmp_path.glob("runs/*")
    assert (folder / "records.jsonl").read_text(encoding="utf-8").count("\n") >= 1
    assert len(list(folder.glob("profile/*/windows.jsonl"))) == 1
    assert not list(tmp_path.glob("gilbench-*/"))


def test_the_lines_that_hoard_are_found(parts: Path, tmp_path: Path, undrawn: None) -> None:
    words = ["--server", "threaded", "--workload", f"{parts}:hoards", "--memory", "--clients", "2", *QUICK]
    target = next(iter(chosen()))
    assert main([*words, "--python", target, "--results", str(tmp_path / "results"), "--request", "item"]) == 0
    (folder,) = (tmp_path / "results" / "latest" / "profile").glob("threaded-hoards-2-*")
    found = json.loads((folder / "memory.json").read_text(encoding="utf-8"))
    first = found["lines"][0]
    line = 1 + PARTS.splitlines().index("    LEFT.append(request * 1_000)")
    assert first["line"].endswith(f"parts.py:{line}")
    assert first["after_bytes"] > 0.9 * 4_000 * found["requests"]  # and those of the warm-up
    assert found["after"]["held_bytes"] > found["before"]["held_bytes"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cell", "nosuch-cpu-1-3.13"], "there is no such cell; write it as threaded-cpu-8-3.14"),
        (["--cell", "threaded-cpu-x-3.13"], "there is no such cell"),
        (["--slowest"], "--slowest is of a run: say which"),
        (["--from", "nowhere"], "it holds no run"),
        (["--server", "thread"], "'thread' is unknown (did you mean threaded?): choose from serial"),
        (["--clients", "0"], "is no whole number from 1"),
        (["--window", "1h"], "a window lasts from"),
    ],
)
def test_what_makes_no_sense_is_one_line(words: list[str], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    err = capfd.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_a_cell_that_the_run_has_not_is_refused(measured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", str(measured), "--cell", "asyncio-cpu-1-3.13"]) == 1
    assert "the run has no such cell; write it as its page does, for example" in capfd.readouterr().err


def test_a_run_without_records_has_no_slowest(measured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (measured / "records.jsonl").write_text("", encoding="utf-8")
    assert main(["--from", str(measured)]) == 1
    assert "it has no records; measure first" in capfd.readouterr().err


def test_requests_are_traced_one_by_one() -> None:
    with serving(next(iter(chosen())), "threaded", "echo") as server:
        load = Load(host="127.0.0.1", port=server.port, connections=3, duration_s=0.2, threads=2, trace=100)
        result = run(load)
    assert len(result.trace) == 100
    assert {one.client for one in result.trace} == {0, 1, 2}
    for one in result.trace:
        assert 0 < one.at_ns - one.since_ns < 1e9
    with pytest.raises(GilbenchError, match="noted down one by one"):
        Load(host="127.0.0.1", port=1, trace=-1)
