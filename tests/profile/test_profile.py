"""Profiling: stacks and timelines from synthetic samples, profilers on real servers, and reports of each failure.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil
import pytest

from bench.cli.profile import main
from bench.errors import GilbenchError
from bench.profile.profilers import AUTO, PROFILERS, choose
from bench.profile.profilers import py_spy as py_spy_module
from bench.profile.profilers.perf import PERF
from bench.profile.profilers.profiler import Asked, Profiler, Refused, remedy
from bench.profile.profilers.py_spy import PY_SPY
from bench.profile.profilers.sampling import SAMPLING
from bench.profile.stacks import Kind, Stacks, blocked, frame, to_text
from bench.runner.server import Server
from bench.runner.window import Measured, measure
from bench.schema.cell import Cell
from bench.threads import timeline
from bench.threads.fast_sample import GONE, NEW, RUNNING, make_buffer, sample
from bench.threads.fast_sampler import FastSampler
from bench.threads.timeline import ABSENT, ACTIVITIES, Activity
from loadgen import Load, run
from loadgen.protocols import any_line_protocol
from tests.support.exit_code import exit_code
from tests.support.interpreters import chosen, found, newest, with_gil, without_gil
from tests.support.made import Made
from tests.support.until import until

NEWEST, OLDEST = with_gil()[0], with_gil()[-1]
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
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture(autouse=True)
def found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the interpreters once for all tests."""
    monkeypatch.setattr("bench.planning.read_options.discover", found)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    path = tmp_path / "parts.py"
    path.write_text(PARTS, encoding="utf-8")
    return path


@contextmanager
def serving(interpreter: str, model: str, workload: str) -> Iterator[Server]:
    server = Server(newest()[interpreter], model, workload)
    try:
        server.ready()
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("name", with_gil())
def test_profiler_finds_the_function_that_holds_the_gil(name: str, parts: Path, tmp_path: Path) -> None:
    profiler, _ = choose(AUTO, newest()[name])
    assert profiler is not None

    def holds(server: Server) -> bool:
        """Return whether a window was long enough for the profiler to attach and to sample the function."""
        scratch = Path(tempfile.mkdtemp(dir=tmp_path))
        asked = Asked(server.pid, newest()[name], Kind.GIL, "parts.py:parts", False, 500, scratch)
        with profiler.sample(asked) as sample:
            load = Load(host="127.0.0.1", port=server.port, duration_s=0.5, protocol=any_line_protocol([b"x"]))
            run(load, on_end=sample.end)
        with contextlib.suppress(Refused):  # nothing was written
            return any(part.startswith("holds (") for stack in sample.stacks() for part in stack)
        return False

    with serving(name, "serial", f"{parts}:parts") as server:
        assert until(lambda: holds(server))


def timeline_of(
    server: Server, cell: Cell, requests_per_connection: int | None = None
) -> tuple[timeline.Timeline, Measured]:
    """Return the timeline and the measurements of a window."""
    with closing(FastSampler(server.pid, frozenset({server.port}))) as sampler:
        measured = measure(
            cell,
            server,
            window_s=0.5,
            warmup_s=0.1,
            requests_per_connection=requests_per_connection,
            observers=[sampler],
            trace=10_000,
        )
        return sampler.timeline(), measured


@pytest.mark.parametrize("name", with_gil())
def test_close_sampler_sees_who_holds_the_gil_while_others_wait_for_it(name: str) -> None:
    def seen(server: Server) -> bool:
        """Return whether the sampler ran often enough in a window to sample both activities."""
        found, measured = timeline_of(server, Cell("threaded", "cpu", 4, name))
        shares = found.shares()
        assert sum(shares.values()) == pytest.approx(1)
        assert len(found.lanes) == 5
        assert len(measured.result.trace) == measured.result.requests
        return shares[Activity.GIL] > 0 and shares[Activity.HOLDING] > 0

    with serving(name, "threaded", "cpu") as server:
        assert until(lambda: seen(server))


@pytest.mark.parametrize("name", without_gil())
def test_close_sampler_sees_nobody_hold_or_wait_for_a_gil_that_is_off(name: str) -> None:
    with serving(name, "threaded", "cpu") as server:
        found, measured = timeline_of(server, Cell("threaded", "cpu", 2, name))
    assert measured.thread_states.gil_wait == 0
    shares = found.shares()
    assert shares[Activity.GIL] == shares[Activity.HOLDING] == 0
    assert shares[Activity.RUNNING] > 0


def test_close_sampler_gives_threads_that_come_and_go_lanes_of_their_own() -> None:
    timelines: list[timeline.Timeline] = []

    def enough() -> bool:
        """Return whether more threads than clients started within the window, and were sampled in the handler."""
        timelines.append(timeline_of(server, Cell("threaded", "io", 2, NEWEST), requests_per_connection=4)[0])
        found = timelines[-1]
        return sum(lane.tid != server.pid for lane in found.lanes) > 2 and found.shares()[Activity.OWN] > 0

    with serving(NEWEST, "threaded", "io") as server:
        assert until(enough)
    for lane in timelines[-1].lanes:
        assert all(before.end_ns == after.begin_ns for before, after in itertools.pairwise(lane.spans))


def test_fast_sample_reads_lines_of_proc_as_python_does(tmp_path: Path) -> None:
    """Sampling stops after a sample in which a thread has gone, so there is exactly one sample."""
    lines = [
        b"running\n",
        b"202 0x7f6e24000c50 0x189 0x0 0x0 0x0 0xffffffff 0x7f6e2b9feb50 0x7f6e31c5a117\n",
        b"-1 0x7ffd8a3d9dd0 0x7f6e31cd2a8f\n",
        b"",
    ]
    with contextlib.ExitStack() as opened:
        files = []
        for at, texts in enumerate(zip(lines, [b"812345 67890 12\n"] * len(lines), strict=True)):
            for kind, text in zip(("syscall", "schedstat"), texts, strict=True):
                (tmp_path / f"{at}-{kind}").write_bytes(text)
            pair = [opened.enter_context((tmp_path / f"{at}-{kind}").open("rb")) for kind in ("syscall", "schedstat")]
            files.append((pair[0].fileno(), pair[1].fileno()))
        at_work = make_buffer(files, [NEW] * len(files))
        filled = sample(at_work, time.monotonic_ns() + 60_000_000_000, 1000)
        assert at_work.rows[:filled].tolist() == [
            (0, 0, RUNNING, 0, 0, 0, 67890),
            (0, 1, 202, 0x7F6E24000C50, 0x189, 0x7F6E2B9FEB50, -1),
            (0, 2, -1, 0x7FFD8A3D9DD0, 0x7F6E31CD2A8F, 0x7FFD8A3D9DD0, -1),
            (0, 3, GONE, 0, 0, 0, -1),
        ]
        assert at_work.ticks[0] == 1
        (tmp_path / "0-schedstat").write_bytes(b"812345 67899 13\n")
        filled = sample(at_work, time.monotonic_ns() + 60_000_000_000, 1000)
        assert at_work.rows[:filled].tolist() == [(0, 0, RUNNING, 0, 0, 0, 67899)]  # unchanged lines are not recorded


def codes(*rows: str) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    letters = dict(zip("RHGQLOI", range(len(ACTIVITIES)), strict=True)) | {" ": ABSENT}
    return np.array([[letters[letter] for letter in row] for row in rows], np.int8)


def test_timeline_finds_the_holder_of_the_gil_in_who_runs_while_others_wait() -> None:
    found = timeline.mark_holders(codes("RRGGRR", "GGRRRI", "GGGGGI"))
    assert (found == codes("HHGGRR", "GGHHHI", "GGGGGI")).all()


def test_timeline_enters_the_growth_of_the_time_in_the_queue_backwards() -> None:
    row = codes("RRRRRRRR")[0]
    ticks_ns = np.arange(8) * 1_000_000
    timeline.enter_queues(row, [(0, 500), (5, 3_000_500), (7, 3_000_500)], ticks_ns)
    assert (row == codes("RRQQQRRR")[0]).all()


def test_timeline_has_a_span_for_each_stretch_of_one_state() -> None:
    ticks_ns = np.array([10, 20, 30, 40, 50, 60], np.int64)
    found = list(timeline.find_spans(codes(" RRG  ")[0][:6], ticks_ns))
    assert found == [(20, 40, Activity.RUNNING), (40, 50, Activity.GIL)]
    assert list(timeline.find_spans(codes("R")[0], ticks_ns[:1])) == []


def test_timeline_shares_leave_out_a_main_thread_that_only_waits() -> None:
    worker = timeline.Lane(
        2, 1, "worker", (timeline.Span(0, 750, Activity.GIL), timeline.Span(750, 1000, Activity.HOLDING))
    )
    busy_ns = {"asleep": 20, "awake": 21}
    found = {}
    for name, ns in busy_ns.items():
        main_thread = timeline.Lane(
            1, 1, name, (timeline.Span(0, ns, Activity.OWN), timeline.Span(ns, 1000, Activity.IDLE))
        )
        whole = timeline.Timeline(1, 0, 1000, 11, 0.0, (main_thread, worker))
        assert whole.resolution_ns == 100
        found[name] = {doing: share for doing, share in whole.shares().items() if share}
    assert found["asleep"] == {Activity.GIL: 0.75, Activity.HOLDING: 0.25}
    assert found["awake"] == {Activity.GIL: 0.375, Activity.HOLDING: 0.125, Activity.OWN: 0.0105, Activity.IDLE: 0.4895}


# The profilers.


def test_stacks_fold_and_blocked_is_all_but_cpu() -> None:
    wall, cpu = Stacks({("a", "b"): 5, ("a",): 2}), Stacks({("a", "b"): 3, ("a",): 4})
    assert blocked(wall, cpu) == Stacks({("a", "b"): 2})
    assert to_text(wall) == "a;b 5\na 2\n"
    assert frame("f;g", "/usr/lib/python3.12/queue.py", "7") == "f,g (queue.py:7)"
    assert frame("f", "<frozen runpy>") == "f (<frozen runpy>)"


def asked_for(folder: Path, interpreter: str = NEWEST, kind: Kind = Kind.CPU, *, native: bool = False) -> Asked:
    return Asked(1, newest()[interpreter], kind, "/srv/shop.py:price", native, 100, folder)


def test_py_spy_output_becomes_stacks(tmp_path: Path) -> None:
    library = "/usr/lib/python3.12/threading.py"
    lines = f'process 7:"python -m servers";run ({library}:9);price (/srv/shop.py:3) 41\nrun ({library}:9);odd 2\n'
    (tmp_path / "cpu.raw").write_text(lines * 2, encoding="utf-8")
    assert PY_SPY.stacks(asked_for(tmp_path)) == {
        ("run (threading.py:9)", "price (/srv/shop.py:3)"): 82,
        ("run (threading.py:9)", "odd"): 4,
    }


def test_sampling_output_becomes_stacks_of_all_processes(tmp_path: Path) -> None:
    (tmp_path / "gil.collapsed").write_text("tid:7;<frozen runpy>:_run:0;shop.py:price:3 5\n", encoding="utf-8")
    (tmp_path / "gil_8.collapsed").write_text("tid:8;framing.py:split:4;time.py:sleep:1 2\n", encoding="utf-8")
    assert SAMPLING.stacks(asked_for(tmp_path, kind=Kind.GIL)) == {
        ("_run (<frozen runpy>)", "price (/srv/shop.py:3)"): 5,
        ("split (servers/framing.py:4)", "sleep (time.py:1)"): 2,
    }
    with pytest.raises(FileNotFoundError):
        SAMPLING.stacks(asked_for(tmp_path, kind=Kind.WALL))


@pytest.mark.parametrize("native", [False, True])
def test_perf_output_becomes_stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, native: bool) -> None:
    script = """\
 7/8:
        7f10 _PyLong_Add
        7f20 py::price:/srv/shop.py
        7f30 _PyEval_Vector
        7f40 py::run:<frozen runpy>
        7f50 [unknown]
"""
    program(tmp_path / "perf", f"#!/bin/sh\ncase $3 in script) cat <<'E'\n{script}\n{script}\nE\nesac\n")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "perf.data").touch()
    outer = ("run (<frozen runpy>)", *["_PyEval_Vector (C)"] * native)
    assert PERF.stacks(asked_for(tmp_path, native=native)) == {
        (*outer, "price (/srv/shop.py)", "_PyLong_Add (C)"): 2,
    }


@pytest.mark.parametrize("interpreter", chosen())
def test_profilers_choose_what_works_for_an_interpreter_and_say_why_not_others(interpreter: str) -> None:
    profiler, refused = choose(AUTO, newest()[interpreter])
    best = (
        "sampling"
        if newest()[interpreter].release >= (3, 15)
        else "perf"
        if newest()[interpreter].build.freethreaded
        else "py-spy"
    )
    if best == "perf" and "perf" in refused:  # perf is missing or forbidden on this machine
        assert profiler is None
        return
    assert profiler is not None
    assert profiler.name == best
    assert list(refused) == list(PROFILERS)[: list(PROFILERS).index(best)]


def test_profilers_refuse_one_that_does_not_know_an_interpreter() -> None:
    with pytest.raises(Refused, match=r"it comes with CPython 3.15; choose --profiler py-spy"):
        choose("sampling", newest()[next(name for name in newest() if newest()[name].release < (3, 15))])


def sampled(profiler: Profiler, asked: Asked) -> Stacks:
    with profiler.sample(asked) as sample:
        sample.end()
    return sample.stacks()


@pytest.mark.parametrize("interpreter", without_gil())
def test_profiler_reports_in_a_line_that_it_cannot_read_an_interpreter(interpreter: str, tmp_path: Path) -> None:
    daring = PY_SPY._replace(refusal=lambda _: None)
    with serving(interpreter, "threaded", "cpu") as server:
        asked = Asked(server.pid, newest()[interpreter], Kind.CPU, "cpu", False, 100, tmp_path)
        with pytest.raises(Refused) as refused:
            sampled(daring, asked)
    assert "choose another with --profiler" in str(refused.value)
    assert "\n" not in str(refused.value)


def program(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def test_profile_names_the_remedy_and_measures_the_rest_without_the_right_to_trace(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None, capfd: pytest.CaptureFixture[str]
) -> None:
    # The real py-spy, run by a user who may not inspect the server.
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
    assert main([*words, "--profiler", "py-spy", "--python", OLDEST, "--results", str(tmp_path / "results")]) == 0
    out = capfd.readouterr().out
    assert "failed: py-spy failed" in out
    assert "run as root, or run sudo sysctl kernel.yama.ptrace_scope=0" in out, out
    (folder,) = (tmp_path / "results" / "latest" / "profile").glob("serial-parts-1-*")
    meta = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    assert len(meta["failures"]) == 3
    assert meta["timeline"]["samples"] > 0
    assert not list(folder.glob("*.folded"))


def test_perf_is_refused_with_the_remedy_where_it_is_missing_or_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter = next((one for one in newest().values() if one.release >= (3, 13)), None)
    assert interpreter is not None
    monkeypatch.setenv("PATH", str(tmp_path))
    refusal = PERF.refusal(interpreter)
    assert refusal is not None
    assert "install linux-perf" in refusal.remedy
    program(tmp_path / "perf", "#!/bin/sh\necho 'Access to performance monitoring is limited' >&2\nexit 255\n")
    refusal = PERF.refusal(interpreter)
    assert refusal is not None
    assert "the kernel does not permit it" in refusal.reason
    assert "kernel.perf_event_paranoid" in refusal.remedy
    assert "perf_event_paranoid" in remedy("perf_event_paranoid setting is 4")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip drawing, which other tests cover."""
    monkeypatch.setattr("bench.cli.profile_run.run_module", lambda *_: 0)


def untouched(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("run.json", "records.jsonl")}


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """Return the folder of a run as if it had been measured under one interpreter."""
    interpreter = newest()[OLDEST]  # py-spy reports when it has begun
    folder = Made(
        models=("serial", "threaded"), workloads=("cpu",), clients=(1, 2), interpreters=(interpreter.name,)
    ).write(tmp_path / "run")
    meta = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    meta["interpreters"] = {interpreter.name: asdict(interpreter.build)}
    meta["plan"] |= {
        "handlers": {},
        "request": "hello",
        "objective": "throughput",
        "rounds": 1,
        "precision": None,
        "same_within": 0.01,
        "baseline": interpreter.name,
        "fixed_layout": False,
    }
    (folder / "run.json").write_text(json.dumps(meta), encoding="utf-8")
    return folder


QUICK = ("--rounds", "1", "--window", "300ms")


def test_profile_puts_the_slowest_cell_into_the_page_of_its_run(
    measured: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = untouched(measured)
    assert main(["--from", str(measured), "--slowest", *QUICK]) == 0
    assert untouched(measured) == before
    (folder,) = (path for path in (measured / "profile").iterdir() if path.is_dir())
    assert folder.name.startswith("threaded-cpu-")  # its throughput is 0.98 of serial's
    windows = [json.loads(line) for line in (folder / "windows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"plain", "timeline", "gil", "cpu", "wall"} == {one["with"] for one in windows}
    meta = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    answered = {one["with"] for one in windows if one["requests"]}  # on a busy machine a window may have none
    assert set(meta["costs"]) == (answered - {"plain"} if "plain" in answered else set())
    for name in ("flame-gil.html", "stacks.speedscope.json", "timeline.trace.json", "stacks-blocked.folded"):
        assert (folder / name).stat().st_size < 1e6
    page = (measured / "report.html").read_text(encoding="utf-8")
    assert '"threaded-cpu-' in page.split('"profile":')[1].split("]")[0]
    assert "respond (servers/workloads/cpu.py" in page
    assert ("throughput with gil" in capfd.readouterr().out) is ("gil" in meta["costs"])


@pytest.mark.parametrize("interpreter", [one.name for one in newest().values() if one.release >= (3, 14)][:1])
def test_profile_shows_what_the_tasks_of_an_event_loop_await(interpreter: str, tmp_path: Path) -> None:
    results = tmp_path / "results"
    words = ["--server", "asyncio", "--workload", "io", "--clients", "4", "--python", interpreter]
    words += ["--rounds", "1", "--window", "1s"]  # samples of it, also on a busy machine
    assert main([*words, "--results", str(results)]) == 0
    (folder,) = (results / "latest/profile").glob("asyncio-io-4-*")
    tasks = json.loads((folder / "profile.json").read_text(encoding="utf-8"))["tasks"]
    assert tasks["samples"] > 0
    waits = {(row["awaits"], Path(row["file"]).name) for row in tasks["rows"]}
    assert ("sleep", "io_wait.py") in waits
    assert f"What asyncio tasks await: {interpreter}" in (results / "latest/report.html").read_text(encoding="utf-8")


def test_profile_reports_a_server_that_ends_in_the_middle_and_keeps_the_run(
    parts: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--server",
        "serial",
        "--workload",
        f"{parts}:mortal",
        "--python",
        OLDEST,
        "--clients",
        "1",
    ]
    assert main([*words, "--results", str(tmp_path / "results"), "--window", "300ms", "--rounds", "99"]) == 1
    err = capfd.readouterr().err
    assert "ended by itself" in err
    assert err.count("\n") == 1
    meta = json.loads((tmp_path / "results" / "latest" / "run.json").read_text(encoding="utf-8"))
    assert meta["state"] == "partial"


def test_profile_keeps_what_was_found_at_ctrl_c(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "bench",
        "profile",
        "--python",
        OLDEST,
        "--profiler",
        "py-spy",
        "--server",
        "threaded",
    ]
    words += ["--workload", "cpu", "--clients", "2", "--rounds", "50", "--window", "100ms", "--results", str(tmp_path)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    samplers: set[psutil.Process] = set()

    def second_round(pid: int) -> bool:
        """Return whether py-spy has been started a fourth time: each round starts it three times."""
        for child in psutil.Process(pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                samplers.update([child] * ("py-spy" in child.name()))
        return len(samplers) > 3

    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            assert until(lambda: second_round(process.pid), 180)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, err
    (folder,) = tmp_path.glob("runs/*")
    assert (folder / "records.jsonl").read_text(encoding="utf-8").count("\n") >= 1
    assert len(list(folder.glob("profile/*/windows.jsonl"))) == 1
    assert not list(tmp_path.glob("gilbench-*/"))


def test_memory_finds_the_lines_that_hoard(parts: Path, tmp_path: Path, undrawn: None) -> None:
    words = ["--server", "threaded", "--workload", f"{parts}:hoards", "--memory", "--clients", "2", *QUICK]
    interpreter = next(iter(chosen()))
    assert main([*words, "--python", interpreter, "--results", str(tmp_path / "results"), "--request", "item"]) == 0
    (folder,) = (tmp_path / "results" / "latest" / "profile").glob("threaded-hoards-2-*")
    found = json.loads((folder / "memory.json").read_text(encoding="utf-8"))
    first = found["lines"][0]
    line = 1 + PARTS.splitlines().index("    LEFT.append(request * 1_000)")
    assert first["line"].endswith(f"parts.py:{line}")
    assert first["after_bytes"] > 0.9 * 4_000 * found["requests"]  # the requests of the warm-up count too
    assert found["after"]["held_bytes"] > found["before"]["held_bytes"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--cell", "nosuch-cpu-1-3.13"], "there is no such cell; write it like threaded-cpu-8-3.14"),
        (["--cell", "threaded-cpu-x-3.13"], "there is no such cell"),
        (["--slowest"], "--slowest needs a run: name it"),
        (["--from", "nowhere"], "cannot read nowhere/run.json"),
        (["--server", "thread"], "'thread' is unknown (did you mean threaded?): choose from serial"),
        (["--clients", "0"], "use a whole number from 1"),
        (["--window", "1h"], "invalid window"),
    ],
)
def test_profile_refuses_nonsense_in_one_line(words: list[str], says: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code(main, words) == 2
    err = capfd.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_profile_refuses_a_cell_that_the_run_does_not_have(measured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", str(measured), "--cell", "asyncio-cpu-1-3.13"]) == 2
    assert "the run has no such cell; use a name from its page, for example" in capfd.readouterr().err


def test_profile_refuses_a_run_without_records(measured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (measured / "records.jsonl").write_text("", encoding="utf-8")
    assert main(["--from", str(measured)]) == 2
    assert "the run has no records; measure first" in capfd.readouterr().err


def test_load_traces_requests_one_by_one() -> None:
    with serving(NEWEST, "threaded", "echo") as server:
        load = Load(host="127.0.0.1", port=server.port, connections=3, duration_s=0.2, threads=2, trace=1_000_000)
        result = run(load)
        few = run(dataclasses.replace(load, threads=1, trace=5))
    assert len(result.trace) == result.requests
    assert {one.client for one in result.trace} <= {0, 1, 2}
    assert all(one.at_ns > one.since_ns > 0 for one in result.trace)
    assert len(few.trace) == min(5, few.requests)
    with pytest.raises(GilbenchError, match="number of traced requests"):
        Load(host="127.0.0.1", port=1, trace=-1)
