"""The live view: frames become meanings, stretches become shares, and real processes are seen for what they do."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench import __main__ as command_line
from bench.accounting.interpreters import version
from bench.accounting.wait_state import Place
from bench.attach import watch
from bench.watching import screen
from bench.watching.glimpses import _owners, py_spy
from bench.watching.meaning import Meaning, meaning
from bench.watching.picture import ALL, PASSING, SHOWN, Picture, picture
from bench.watching.stretch import KINDS, Spent, Stretch
from bench.watching.watched import Watched
from tests.support.interpreters import chosen, newest

pytestmark = pytest.mark.quiet

ROOT = Path(__file__).parent.parent
WAITING = Path(__file__).parent / "support" / "waiting.py"
WAITS = ("hold", "lock", "worker", "simple", "full", "sleep", "loop", "join", "event", "read")
SLEEP = shutil.which("sleep") or "sleep"
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"]
TRIES = 16  # other programs may take the CPUs away from what is measured, for seconds together

WITH_GIL = [name for name, target in chosen().items() if not target.build["freethreaded"]]
WITHOUT_GIL = [name for name in chosen() if name not in WITH_GIL]
OLDEST_AND_NEWEST = [WITH_GIL[0], WITH_GIL[-1]]


# Frames become a meaning.

LIBRARY = "/usr/lib/python3.13/"
MINE = ("/srv/shop/worker.py", "serve")
WAIT = (f"{LIBRARY}threading.py", "Condition.wait")


@pytest.mark.parametrize(
    ("frames", "wanted"),
    [
        ([WAIT, (f"{LIBRARY}queue.py", "Queue.get"), MINE], Meaning.WORK),
        ([(f"{LIBRARY}threading.py", "wait"), (f"{LIBRARY}queue.py", "get"), MINE], Meaning.WORK),  # up to 3.10
        ([WAIT, (f"{LIBRARY}queue.py", "Queue.put"), MINE], Meaning.TURN),
        ([WAIT, (f"{LIBRARY}threading.py", "Semaphore.acquire"), MINE], Meaning.TURN),
        ([WAIT, (f"{LIBRARY}threading.py", "Event.wait"), MINE], Meaning.WORK),
        ([(f"{LIBRARY}threading.py", "Condition.__enter__"), (f"{LIBRARY}queue.py", "Queue.get"), MINE], None),
        (
            [(f"{LIBRARY}concurrent/futures/thread.py", "_worker"), (f"{LIBRARY}threading.py", "Thread.run")],
            Meaning.WORK,
        ),
        ([(f"{LIBRARY}multiprocessing/connection.py", "Connection._recv"), MINE], None),
        (
            [
                (f"{LIBRARY}multiprocessing/connection.py", "Connection._recv"),
                (f"{LIBRARY}multiprocessing/connection.py", "Connection._recv_bytes"),
                (f"{LIBRARY}multiprocessing/queues.py", "Queue.get"),
                MINE,
            ],
            Meaning.WORK,
        ),
        ([("/srv/shop/queue.py", "Queue.get"), MINE], None),  # a namesake
        ([MINE], None),
        ([], None),
    ],
)
def test_frames_become_a_meaning(frames: list[tuple[str, str]], wanted: Meaning | None) -> None:
    assert meaning(frames) is wanted


def test_a_get_in_c_may_be_either() -> None:
    assert meaning([MINE], "    item = jobs.get()\n") is Meaning.EITHER
    assert meaning([MINE], "    with lock:\n") is None
    assert meaning([MINE], "    budget(3)\n") is None


def test_handles_find_their_threads_by_their_stacks() -> None:
    places: dict[int, Place | None] = {
        7: Place(202, 1, 0x7FFC0),
        8: Place(202, 1, 0x1F00),
        9: Place(202, 1, 0x2F00),
        6: None,
    }
    assert _owners([0x2000, 0x3000, 0x9000], places) == {0x2000: 8, 0x3000: 9}


# Stretches become shares.


def spent(seen: int = 0, work: int = 0, turn: int = 0, pid: int = 1, **times: float) -> Spent:
    return Spent(pid, dict.fromkeys(KINDS, 0.0) | times, seen, work, turn)


def of(*threads: Spent, passing: Spent | None = None, wall_s: float = 1.0) -> Picture:
    stretch = Stretch(wall_s, dict(enumerate(threads, 1)), passing or spent(pid=0), 100, 0.01, 0.01)
    return picture(stretch, lambda tid: f"thread {tid}")


SECONDS = st.floats(0, 10)
ANY = st.builds(
    lambda seconds, work, turn, more: spent(work + turn + more, work, turn, **dict(zip(KINDS, seconds, strict=True))),
    st.lists(SECONDS, min_size=len(KINDS), max_size=len(KINDS)),
    *[st.integers(0, 9)] * 3,
)


@given(st.lists(ANY, min_size=1, max_size=4), ANY)
def test_shares_sum_to_one(threads: list[Spent], passing: Spent) -> None:
    found = of(*threads, passing=passing)
    for row in (*found.rows, found.total):
        if row.threads:
            assert sum(row.shares.values()) == pytest.approx(1)
            assert min(row.shares.values()) >= 0
        assert tuple(row.shares) == SHOWN
    assert found.total.threads == pytest.approx(sum(row.threads for row in found.rows))


def test_locks_of_which_nothing_was_seen_are_in_doubt() -> None:
    (row,) = of(spent(unclear_wait=1.0)).rows
    assert row.shares["lock_wait"] == 1
    assert row.lock_or_queue


def test_locks_divide_as_the_frames_did() -> None:
    (row,) = of(spent(8, 6, 2, unclear_wait=1.0)).rows
    assert row.shares["idle"] == pytest.approx(0.75)
    assert row.shares["lock_wait"] == pytest.approx(0.25)
    assert not row.lock_or_queue


def test_who_is_never_met_waiting_for_work_does_not_wait_for_work_most_of_the_time() -> None:
    (seldom,) = of(spent(2, unclear_wait=0.75, own_wait=0.25)).rows
    (often,) = of(spent(12, unclear_wait=0.75, own_wait=0.25)).rows
    assert seldom.lock_or_queue
    assert not often.lock_or_queue
    assert often.shares["lock_wait"] == pytest.approx(0.75)


def test_no_more_is_idle_than_the_frames_allow() -> None:
    (row,) = of(spent(20, 2, 0, work_wait=0.9, cpu=0.1)).rows
    assert row.shares["idle"] < 0.4
    assert row.shares["lock_wait"] > 0.5


def test_stretches_add_up() -> None:
    first = Stretch(1.0, {1: spent(1, 1, 0, cpu=0.5, idle=0.5)}, spent(pid=0), 10, 0.1, 0.2)
    second = Stretch(1.0, {1: spent(1, 0, 1, cpu=1.0), 2: spent(cpu=1.0)}, spent(pid=0, own_wait=0.5), 30, 0.1, 0.0)
    found = picture(first + second, str)
    assert [(row.name, row.threads, row.shares["cpu"]) for row in found.rows] == [
        ("2", 0.5, 1.0),
        ("1", 1.0, 0.75),
        (PASSING, 0.25, 0.0),
    ]
    assert found.looks == 40
    assert found.cost_cores == pytest.approx(0.1)


def test_the_most_cpu_stands_first_and_then_who_waits_most_for_the_gil() -> None:
    found = of(spent(idle=1.0), spent(gil_wait=0.6, idle=0.4), spent(cpu=0.5, idle=0.5), spent(gil_wait=1.0))
    assert [row.tid for row in found.rows] == [3, 4, 2, 1]


# On a screen.


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("terminal", [True, False])
def test_a_table_is_no_wider_than_80_columns(processes: int, terminal: bool) -> None:
    threads = [spent(pid=4_194_300 + n % processes, unclear_wait=1.0) for n in range(30)]
    stretch = Stretch(1.0, dict(enumerate(threads, 4_194_000)), spent(pid=0), 100, 0.01, 0.01)
    found = picture(stretch, lambda tid: "[red]a name that is far too long for any column")
    console = Console(width=80, height=24, force_terminal=terminal, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(screen.table(found, ["process 4194300"], ["?: why"], console))
    lines = console.export_text().splitlines()
    console.file.close()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24 or not terminal
    assert any("100%?" in line for line in lines)
    assert any("[red]a name" in line for line in lines)
    assert any("more" in line for line in lines) == terminal


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6).filter(any))
def test_a_bar_is_whole(parts: list[float]) -> None:
    shares = {kind: part / sum(parts) for kind, part in zip(SHOWN, parts, strict=True)}
    assert len(screen.bar(shares, Console()).plain) == 16


# Known answers.


@contextlib.contextmanager
def program(name: str, target: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(newest()[target].executable), str(WAITING), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def told(pid: int, *options: str, seconds: float = 1.2) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench", "watch", str(pid), "--for", f"{seconds}s", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    for one in (*found["threads"], found["total"]):
        assert sum(one[kind] for kind in SHOWN) == pytest.approx(1)
        assert min(one[kind] for kind in SHOWN) >= 0
    return found


def by_name(found: dict[str, Any], names: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return the threads by name, or by the order in which they were started."""
    rows = sorted(found["threads"], key=lambda row: row["tid"])
    return dict(zip(names or [row["name"] for row in rows], rows, strict=True))


@pytest.mark.parametrize("target", OLDEST_AND_NEWEST)
def test_two_that_compute_take_turns_at_the_gil(target: str) -> None:
    with program("two compute", target) as process:
        for _ in range(TRIES):
            found = told(process.pid, seconds=1)
            busy = sorted(found["threads"], key=lambda row: row["cpu"])[-2:]
            gil, queue = (sum(row[kind] for row in busy) / 2 for kind in ("gil_wait", "run_queue"))
            if gil > 0.3 and gil + queue == pytest.approx(0.5, abs=0.05):
                break
    assert gil > 0.3
    assert gil + queue == pytest.approx(0.5, abs=0.05)  # both on one CPU, a thread may wait for that instead
    assert all(row["cpu"] + row["run_queue"] + row["gil_wait"] == pytest.approx(1, abs=0.03) for row in busy)
    assert found["python"] is not None
    assert found["python"].startswith(target)
    assert found["total"]["threads"] == pytest.approx(3, abs=0.01)
    assert found["cost_cores"] < 0.04


@pytest.mark.parametrize("target", [WITH_GIL[0], *WITHOUT_GIL])
@pytest.mark.parametrize("name", ["two compute", "four under one lock"])
def test_the_account_of_the_same_time_says_the_same(name: str, target: str) -> None:
    with program(name, target) as process:
        for _ in range(TRIES):
            with Watched(process.pid, None) as watched:
                account = watch(process.pid, 0.6).serving
                stretch = watched.next()
            assert stretch is not None
            others = [row for row in picture(stretch, watched.name).rows if row.tid != process.pid]
            ours = {kind: sum(row.shares[kind] for row in others) / len(others) for kind in SHOWN}
            theirs = {kind: pytest.approx(account.shares[kind], abs=0.05) for kind in SHOWN}
            if ours == theirs:
                break
    assert ours == theirs


@pytest.mark.parametrize("target", WITHOUT_GIL)
def test_without_a_gil_nobody_waits_for_it(target: str) -> None:
    with program("two compute", target) as process:
        found = told(process.pid, seconds=0.6)
    assert found["total"]["gil_wait"] < 0.001
    assert all(row["cpu"] + row["run_queue"] > 0.95 for row in found["threads"][:2])
    assert not found["total"]["lock_or_queue"]
    assert found["python"].endswith("t")


@pytest.mark.skipif(py_spy() is None, reason="py-spy is not installed")
@pytest.mark.parametrize("target", OLDEST_AND_NEWEST)
def test_each_kind_of_waiting_is_told(target: str) -> None:
    with program("kinds of waiting", target) as process:
        found = told(process.pid)
    rows = by_name(found)
    assert set(rows) == {"MainThread", *WAITS}
    wanted = dict.fromkeys(("worker", "loop", "join", "event"), "idle")
    wanted |= dict.fromkeys(("lock", "full", "simple"), "lock_wait")
    wanted |= dict.fromkeys(("hold", "sleep", "read", "MainThread"), "own_wait")
    assert {name: max(SHOWN, key=lambda kind: rows[name][kind]) for name in wanted} == wanted
    assert all(rows[name][kind] > 0.9 for name, kind in wanted.items())
    assert [name for name, row in rows.items() if row["lock_or_queue"]] == ["simple"]
    assert 0 < found["py_spy_cost_cores"] < 0.2


def test_without_py_spy_a_queue_may_be_a_lock() -> None:
    with program("kinds of waiting", WITH_GIL[0]) as process:
        found = told(process.pid, "--no-py-spy", seconds=0.6)
    rows = by_name(found, ("main", *WAITS))
    doubtful = {"lock", "worker", "simple", "full", "join", "event"}
    assert {name for name, row in rows.items() if row["lock_or_queue"]} == doubtful
    assert all(rows[name]["lock_wait"] > 0.9 for name in doubtful)
    assert rows["sleep"]["own_wait"] > 0.9
    assert rows["loop"]["idle"] > 0.9
    assert found["total"]["lock_or_queue"]
    assert found["py_spy_cost_cores"] == 0


@pytest.mark.skipif(py_spy() is None, reason="py-spy is not installed")
def test_a_lock_that_four_wait_for_is_a_lock() -> None:
    with program("four under one lock", WITH_GIL[0]) as process:
        for _ in range(TRIES):
            found = told(process.pid, seconds=2)
            rows = [row for row in found["threads"] if row["name"] != "MainThread"]
            if not any(row["lock_or_queue"] for row in rows):
                break
    assert len(rows) == 4
    assert all(row["lock_wait"] == pytest.approx(0.75, abs=0.1) for row in rows)
    assert not any(row["lock_or_queue"] for row in rows)


@pytest.mark.parametrize("target", [*OLDEST_AND_NEWEST, *WITHOUT_GIL])
def test_the_version_is_read_from_the_process(target: str) -> None:
    with program("one computes", target) as process:
        read = version(process.pid)
    assert read is not None
    wanted = newest()[target].build["version"]
    assert wanted.startswith(read.removesuffix("t"))
    assert read.endswith("t") == newest()[target].build["freethreaded"]


# The command.


def test_what_is_no_python_is_told_without_gil_wait(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([SLEEP, "60"]) as process:
        try:
            assert command_line.main(["watch", str(process.pid), "--for", "300ms"]) == 0
            printed = " ".join(capsys.readouterr().out.split())
            assert command_line.main(["watch", str(process.pid), "--for", "300ms", "--json"]) == 0
        finally:
            process.kill()
    assert f"process {process.pid} is no CPython: its time is told without GIL wait" in printed
    assert "100%" in printed
    assert json.loads(capsys.readouterr().out)["python"] is None


def test_children_are_watched_too(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", f"import subprocess; subprocess.run([{SLEEP!r}, '60'])"]) as process:
        try:
            while not (children := psutil.Process(process.pid).children()):
                time.sleep(0.02)
            assert command_line.main(["watch", str(process.pid), "--for", "300ms", "--no-py-spy"]) == 0
        finally:
            for child in children:
                child.kill()
            process.kill()
    printed = capsys.readouterr().out
    assert "pid" in printed
    assert str(children[0].pid) in printed
    assert ALL in printed


def test_a_process_that_ends_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1.2)"]) as process:
        assert command_line.main(["watch", str(process.pid), "--window", "200ms", "--no-py-spy"]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(f"process {process.pid} has ended\n")
    assert printed.count("looks a second") >= 2  # a table each window


@pytest.mark.parametrize("life_s", [None, 0.3])
def test_a_process_that_was_never_seen_is_an_error(life_s: float | None, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({life_s or 0})"]) as process:
        if life_s is None:
            process.wait()
        with pytest.raises(SystemExit) as stopped:
            command_line.main(["watch", str(process.pid), "--for", "5s"])
    assert stopped.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"process {process.pid}" in line


def test_no_time_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main(["watch", str(os.getpid()), "--for", "0s"])
    assert "watch for longer" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start what is somebody else's")
def test_somebody_elses_process_is_an_error() -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "60"]
    with subprocess.Popen(nobody) as process:
        time.sleep(0.2)
        try:
            command = [*WITHOUT_CAPABILITIES, sys.executable, "-m", "bench", "watch", str(process.pid), "--for", "1s"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        finally:
            process.kill()
    assert done.returncode == 1
    assert done.stderr.endswith(f"process {process.pid} is not yours to look at: run as its user, or as root\n")


@pytest.mark.skipif(py_spy() is None, reason="py-spy is not installed")
def test_ctrl_c_leaves_the_table_and_nothing_else() -> None:
    with program("kinds of waiting", WITH_GIL[0]) as process:
        ours, theirs = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "40", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "bench", "watch", str(process.pid)]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        ) as watching:
            os.close(theirs)
            shown = b""
            while b"all threads" not in shown:
                shown += os.read(ours, 65536)
            children = psutil.Process(watching.pid).children()
            watching.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):  # the terminal has gone
                while more := os.read(ours, 65536):
                    shown += more
            assert watching.wait(5) == 0
        os.close(ours)
        assert not any(child.is_running() for child in children)
        assert process.poll() is None
    assert b"Traceback" not in shown
    assert b"38;2" not in shown  # no colour
    assert shown.rstrip().endswith(b"\x1b[?25h")  # the cursor is back
