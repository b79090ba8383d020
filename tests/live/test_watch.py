"""The live view: the meaning of frames, intervals and shares from samples, and real processes.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import commands as command_line
from bench.live import screen
from bench.live.breakdown import ALL, PASSING, SHOWN, Breakdown, break_down
from bench.live.interval import KINDS, Interval, Places, Spent, summarise_samples
from bench.live.meaning import Meaning, meaning
from bench.live.snapshots import Snapshots, StackSnapshot, _owners, py_spy
from bench.live.watched import Watched
from bench.paths import ROOT
from bench.terminal.console import Terminal
from bench.threads.account import account
from bench.threads.interpreters import version
from bench.threads.sampler import Samples, StateAndPlace
from bench.threads.wait_state import Place, State
from tests.support.interpreters import newest, with_gil, without_gil
from tests.support.until import until

WAITING = ["-m", "tests.support.waiting"]
WAITS = ("hold", "lock", "worker", "simple", "full", "sleep", "loop", "join", "event", "read")
SLEEP = shutil.which("sleep") or "sleep"
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"]

NEWEST = with_gil()[0]
OLDEST_AND_NEWEST = dict.fromkeys((NEWEST, with_gil()[-1]))
needs_py_spy = pytest.mark.skipif(py_spy() is None, reason="py-spy is not installed")


# The meaning of frames.

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
        ([("/srv/shop/queue.py", "Queue.get"), MINE], None),  # another module of the same name
        ([MINE], None),
        ([], None),
    ],
)
def test_meaning_follows_from_frames(frames: list[tuple[str, str]], wanted: Meaning | None) -> None:
    assert meaning(frames) is wanted


def test_meaning_of_a_get_in_c_is_either() -> None:
    assert meaning([MINE], "    item = jobs.get()\n") is Meaning.EITHER
    assert meaning([MINE], "    with lock:\n") is None
    assert meaning([MINE], "    budget(3)\n") is None


def test_snapshots_find_the_threads_of_handles_by_their_stacks() -> None:
    places: dict[int, Place | None] = {
        7: Place(202, 1, 0x7FFC0),
        8: Place(202, 1, 0x1F00),
        9: Place(202, 1, 0x2F00),
        6: None,
    }
    assert _owners([0x2000, 0x3000, 0x9000], places) == {0x2000: 8, 0x3000: 9}


# Intervals from samples and snapshots.

ROOM, QUEUE = Place(202, 0x7F00_0000, 0x20), Place(202, 0x7F00_0000, 0x30)  # two futexes


def samples(*threads: tuple[int, Sequence[StateAndPlace]]) -> Samples:
    """Return ten samples, over two seconds, of threads of process 1 that cycle through the given states."""
    doings = list(dict.fromkeys(doing for _, each in threads for doing in each))
    samples = [(n, tid, doings.index(each[n % len(each)])) for n in range(10) for tid, each in threads]
    exact, process_of = {tid: (0, 0) for tid, _ in threads}, dict.fromkeys((tid for tid, _ in threads), 1)
    return Samples(1, 2.0, 10, samples, doings, exact_ns=exact, process_of=process_of, cost_s=0.02)


def interval_of(seen: Samples, *snapshots: StackSnapshot, cpu_s: float = 0.0, places: Places | None = None) -> Interval:
    found = summarise_samples(seen, cpu_s, list(snapshots), 0.01, places or Places())
    assert found is not None
    return found


def nonzero(spent: Spent) -> dict[str, Any]:
    return {kind: pytest.approx(time_s) for kind, time_s in spent.times.items() if time_s}


def test_interval_divides_locks_by_what_snapshots_met_there() -> None:
    seen = samples((2, [(State.LOCK, QUEUE)] * 3 + [(State.LOCK, ROOM), (State.RUNNING, None)]))
    seen.exact_ns[2] = (400_000_000, 0)
    snapshots = [StackSnapshot(2, QUEUE, Meaning.WORK)] * 3 + [
        StackSnapshot(2, QUEUE, None),
        StackSnapshot(2, ROOM, Meaning.EITHER),
    ]
    spent = interval_of(seen, *snapshots, cpu_s=0.4).threads[2]
    assert nonzero(spent) == {"cpu": 0.4, "work_wait": 0.9, "lock_wait": 0.3, "unclear_wait": 0.4}
    assert (spent.seen, spent.work, spent.turn) == (4, 3, 1)


def test_interval_believes_snapshots_of_the_same_thread_and_place_only() -> None:
    seen = samples((2, [(State.LOCK, QUEUE)]))
    others = (
        StackSnapshot(3, QUEUE, Meaning.WORK),
        StackSnapshot(2, ROOM, Meaning.WORK),
        StackSnapshot(2, None, Meaning.WORK),
    )
    assert nonzero(interval_of(seen, *others).threads[2]) == {"unclear_wait": 2.0}


def test_interval_calls_a_wait_in_an_event_loop_or_for_work_idle() -> None:
    epoll, poll = Place(232, 5, 0x10), Place(7, 0x7F00_0000, 0x10)
    again = poll._replace(first_argument=0x7F00_8000)  # each call of poll has a new list
    seen = samples(
        (2, [(State.OWN, epoll)]), (3, [(State.OWN, again)]), (4, [(State.OWN, again), (State.CLIENT, None)])
    )
    found = interval_of(seen, StackSnapshot(3, poll, Meaning.WORK))
    assert [nonzero(found.threads[tid]) for tid in (2, 3, 4)] == [
        {"idle": 2.0},
        {"idle": 2.0},
        {"idle": 1.0, "blocked": 1.0},
    ]


def test_interval_calls_the_rest_of_a_thread_that_never_blocks_run_queue() -> None:
    seen = samples((2, [(State.RUNNING, None)]))
    seen.exact_ns[2] = (500_000_000, 300_000_000)  # a wait is not counted before it ends
    assert nonzero(interval_of(seen, cpu_s=0.5).threads[2]) == {"cpu": 0.5, "run_queue": 1.5}


def test_interval_keeps_threads_that_come_and_go_together() -> None:
    seen = samples(
        (1, [(State.IDLE, None)]), (2, [(State.GIL, None), (State.RUNNING, None)]), (3, [(State.LOCK, ROOM)])
    )
    del seen.exact_ns[2], seen.exact_ns[3]
    found = interval_of(seen, cpu_s=1.0)
    assert set(found.threads) == {1}
    assert nonzero(found.passing) == {"cpu": 1.0, "gil_wait": 1.0, "unclear_wait": 2.0}


def test_interval_of_no_samples_is_none() -> None:
    assert summarise_samples(Samples(1), 0.0, [], 0.0, Places()) is None


def test_places_remember_the_last_snapshots_of_threads_that_live() -> None:
    places = Places()
    for meaning_ in [Meaning.WORK] * 4 + [None] * 4 + [Meaning.TURN] * 4 + [Meaning.WORK] * 8:
        places.learn(StackSnapshot(2, QUEUE, meaning_))
    assert places.work(2, QUEUE) == 8 / 16
    places.forget_all_but([3])
    assert places.work(2, QUEUE) is None


def test_breakdown_agrees_with_the_account_of_the_same_samples() -> None:
    seen = samples(
        (1, [(State.OWN, None)]),
        (2, [(State.RUNNING, None), (State.GIL, None), (State.GIL, None), (State.OWN, None), (State.IDLE, None)]),
    )
    seen.exact_ns[2] = (380_000_000, 20_000_000)
    found = break_down(interval_of(seen, cpu_s=0.38), str)
    theirs = account(seen, 0.38)
    assert theirs is not None
    assert {row.tid: row.shares for row in found.rows} == {
        tid: pytest.approx({kind: one.shares[kind] for kind in SHOWN}) for tid, one in theirs.each.items()
    }
    assert (found.seconds, found.samples, found.overhead_cores, found.snapshots_cost_cores) == (2.0, 10, 0.01, 0.005)


# Shares from intervals.


def spent(seen: int = 0, work: int = 0, turn: int = 0, pid: int = 1, **times: float) -> Spent:
    return Spent(pid, dict.fromkeys(KINDS, 0.0) | times, seen, work, turn)


def pictured(*threads: Spent, passing: Spent | None = None, wall_s: float = 1.0) -> Breakdown:
    made = Interval(wall_s, dict(enumerate(threads, 1)), passing or spent(pid=0), 100, 0.01, 0.01)
    return break_down(made, lambda tid: f"thread {tid}")


SECONDS = st.floats(0, 10)
ANY = st.builds(
    lambda seconds, work, turn, more: spent(work + turn + more, work, turn, **dict(zip(KINDS, seconds, strict=True))),
    st.lists(SECONDS, min_size=len(KINDS), max_size=len(KINDS)),
    *[st.integers(0, 9)] * 3,
)


@given(st.lists(ANY, min_size=1, max_size=4), ANY)
def test_breakdown_has_shares_that_sum_to_one(threads: list[Spent], passing: Spent) -> None:
    found = pictured(*threads, passing=passing)
    for row in (*found.rows, found.total):
        if row.threads:
            assert sum(row.shares.values()) == pytest.approx(1)
            assert min(row.shares.values()) >= 0
        assert tuple(row.shares) == SHOWN
    assert found.total.threads == pytest.approx(sum(row.threads for row in found.rows))


def test_breakdown_counts_threads_that_never_ran_in_no_share_of_the_total() -> None:
    still = dataclasses.replace(spent(lock_wait=1.0), ran=False)
    found = pictured(spent(cpu=0.75, idle=0.25), still, still)
    assert (len(found.rows), found.still) == (3, 2)
    assert [found.total.threads, found.total.shares["cpu"]] == pytest.approx([1, 0.75])
    nobody = pictured(still, still)
    assert nobody.still == 0
    assert nobody.total.threads == pytest.approx(2)


def test_breakdown_doubts_locks_whose_frames_were_never_seen() -> None:
    (row,) = pictured(spent(unclear_wait=1.0)).rows
    assert row.shares["lock_wait"] == 1
    assert row.lock_or_queue


def test_breakdown_divides_unclear_locks_as_the_frames_did() -> None:
    (row,) = pictured(spent(8, 6, 2, unclear_wait=1.0)).rows
    assert row.shares["idle"] == pytest.approx(0.75)
    assert row.shares["lock_wait"] == pytest.approx(0.25)
    assert not row.lock_or_queue


def test_breakdown_takes_a_thread_never_met_waiting_for_work_for_one_in_a_lock() -> None:
    (seldom,) = pictured(spent(2, unclear_wait=0.75, blocked=0.25)).rows
    (often,) = pictured(spent(12, unclear_wait=0.75, blocked=0.25)).rows
    assert seldom.lock_or_queue
    assert not often.lock_or_queue
    assert often.shares["lock_wait"] == pytest.approx(0.75)


def test_breakdown_calls_no_more_idle_than_the_frames_allow() -> None:
    (row,) = pictured(spent(20, 2, 0, work_wait=0.9, cpu=0.1)).rows
    assert row.shares["idle"] < 0.4
    assert row.shares["lock_wait"] > 0.5


def test_interval_adds_up_with_the_next() -> None:
    first = Interval(1.0, {1: spent(1, 1, 0, cpu=0.5, idle=0.5)}, spent(pid=0), 10, 0.1, 0.2)
    second = Interval(1.0, {1: spent(1, 0, 1, cpu=1.0), 2: spent(cpu=1.0)}, spent(pid=0, blocked=0.5), 30, 0.1, 0.0)
    found = break_down(first + second, str)
    assert [(row.name, row.threads, row.shares["cpu"]) for row in found.rows] == [
        ("2", 0.5, 1.0),
        ("1", 1.0, 0.75),
        (PASSING, 0.25, 0.0),
    ]
    assert found.samples == 40
    assert found.overhead_cores == pytest.approx(0.1)


def test_breakdown_sorts_by_cpu_and_then_by_gil_wait() -> None:
    found = pictured(spent(idle=1.0), spent(gil_wait=0.6, idle=0.4), spent(cpu=0.5, idle=0.5), spent(gil_wait=1.0))
    assert [row.tid for row in found.rows] == [3, 4, 2, 1]


# On a screen.


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("terminal", [True, False])
def test_screen_draws_a_table_of_at_most_80_columns(processes: int, terminal: bool) -> None:
    threads = [spent(pid=4_194_300 + n % processes, unclear_wait=1.0) for n in range(30)]
    made = Interval(1.0, dict(enumerate(threads, 4_194_000)), spent(pid=0), 100, 0.01, 0.01)
    found = break_down(made, lambda tid: "[red]a name that is far too long for any column")
    console = Terminal(width=80, height=24, force_terminal=terminal, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(screen.table(found, ["process 4194300"], ["?: why"], console))
    lines = console.export_text().splitlines()
    console.file.close()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24 or not terminal
    assert any("100%?" in line for line in lines)
    assert any("[re" in line for line in lines)
    assert any("more" in line for line in lines) == terminal


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6).filter(any))
def test_screen_draws_bars_that_are_whole(parts: list[float]) -> None:
    shares = {kind: part / sum(parts) for kind, part in zip(SHOWN, parts, strict=True)}
    assert len(screen.bar(shares, Terminal()).plain) == 16


# Real processes.


@contextlib.contextmanager
def program(name: str, interpreter: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of :mod:`tests.support.waiting`."""
    command = [str(newest()[interpreter].program), *WAITING, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def watched_until(
    pid: int, program: Path | None, holds: Callable[[Breakdown], bool]
) -> tuple[Breakdown, dict[int, str]]:
    """Watch a process until the breakdown of all samples meets a condition.

    Returns:
        The breakdown, and the thread names that py-spy reported.
    """
    found: Breakdown | None = None
    with Watched(pid, program) as watched:
        whole: Interval | None = None

        def seen() -> bool:
            nonlocal whole, found
            watched.wait(0.1)
            one = watched.next()
            if one is not None:
                whole = one if whole is None else whole + one
                found = break_down(whole, watched.name)
            return found is not None and holds(found)

        assert until(seen), found
        names = {} if watched.snapshots is None else dict(watched.snapshots.names)
    assert found is not None
    for row in (*found.rows, found.total):
        assert sum(row.shares.values()) == pytest.approx(1)
        assert min(row.shares.values()) >= 0
    return found, names


def most(found: Breakdown) -> dict[str, tuple[str, bool]]:
    """Return the kind in which each thread spends nine tenths of its time, and whether it may be a lock or a queue."""
    return {
        row.name: (kind, row.lock_or_queue) for row in found.rows for kind, share in row.shares.items() if share > 0.9
    }


@needs_py_spy
@pytest.mark.parametrize("name", OLDEST_AND_NEWEST)
def test_watched_recognises_each_kind_of_waiting(name: str) -> None:
    wanted = dict.fromkeys(("worker", "loop", "join", "event"), ("idle", False))
    wanted |= dict.fromkeys(("lock", "full"), ("lock_wait", False)) | {"simple": ("lock_wait", True)}
    wanted |= dict.fromkeys(("hold", "sleep", "read", "MainThread"), ("blocked", False))
    with program("kinds of waiting", name) as process:
        found, names = watched_until(process.pid, py_spy(), lambda found: most(found) == wanted)
    assert sorted(names.values()) == sorted(wanted)
    assert names[process.pid] == "MainThread"
    assert found.snapshots_cost_cores > 0


def test_snapshots_take_a_thread_without_a_python_frame_for_idle() -> None:
    """As three of the four threads of an idle uWSGI: they wait in C, for work."""
    snapshots = object.__new__(Snapshots)
    snapshots.names = {}
    thread: dict[str, Any] = {"pid": 7, "thread_id": 1, "os_thread_id": 8, "thread_name": None, "frames": []}
    assert list(snapshots._first_line([thread], {}, {})) == [StackSnapshot(8, None, Meaning.WORK)]


def test_watched_cannot_tell_a_lock_from_a_queue_without_py_spy() -> None:
    doubtful = {f"os-{wait}" for wait in ("lock", "worker", "simple", "full", "join", "event")}
    wanted = dict.fromkeys(doubtful, ("lock_wait", True)) | {"os-loop": ("idle", False)}
    wanted |= {f"os-{wait}": ("blocked", False) for wait in ("hold", "sleep", "read")}
    with program("kinds of waiting", NEWEST) as process:
        name = Path(f"/proc/{process.pid}/comm").read_text(encoding="utf-8").strip()
        wanted[name] = ("blocked", False)
        found, names = watched_until(process.pid, None, lambda found: most(found) == wanted)
    assert found.total.lock_or_queue
    assert found.snapshots_cost_cores == 0
    assert not names


@needs_py_spy
def test_watched_is_sure_of_a_lock_that_four_wait_for() -> None:
    def sure(found: Breakdown) -> bool:
        rows = [row for row in found.rows if row.name != "MainThread"]
        return len(rows) == 4 and all(row.shares["lock_wait"] > 0 and not row.lock_or_queue for row in rows)

    with program("four under one lock", NEWEST) as process:
        watched_until(process.pid, py_spy(), sure)


def test_watched_sees_threads_that_compute_wait_for_the_gil() -> None:
    def taking_turns(found: Breakdown) -> bool:
        return sum(row.shares["cpu"] > 0 and row.shares["gil_wait"] > 0 for row in found.rows) == 2

    with program("two compute", NEWEST) as process:
        found, _ = watched_until(process.pid, None, taking_turns)
    assert found.total.threads + found.still == pytest.approx(3)


@pytest.mark.parametrize("name", [*OLDEST_AND_NEWEST, *without_gil()])
def test_version_is_read_from_the_process(name: str) -> None:
    with program("kinds of waiting", name) as process:
        read = version(process.pid)
    assert read is not None
    assert newest()[name].build.version.startswith(read.removesuffix("t"))
    assert read.endswith("t") == newest()[name].build.freethreaded


# The command.


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a window last until it has a sample, however busy the machine."""
    wait = Watched.wait

    def seen(self: Watched, seconds: float) -> bool:
        assert until(lambda: self._sampler._samples.count)
        return wait(self, seconds)

    monkeypatch.setattr(Watched, "wait", seen)


@pytest.mark.parametrize("name", [NEWEST, *without_gil()])
def test_watch_command_writes_json(name: str, unhurried: None, capsys: pytest.CaptureFixture[str]) -> None:
    with program("two compute", name) as process:
        assert command_line.main(["watch", str(process.pid), "--for", "600ms", "--json", "--no-py-spy"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pid"] == process.pid
    assert found["python"] == newest()[name].build.version + "t" * newest()[name].build.freethreaded
    for one in (*found["threads"], found["total"]):
        assert sum(one[kind] for kind in SHOWN) == pytest.approx(1)
        assert min(one[kind] for kind in SHOWN) >= 0
    assert len(found["threads"]) == 3
    assert found["total"]["threads"] + found["never_ran"] == pytest.approx(3)
    assert found["total"]["cpu"] > 0
    assert found["total"]["gil_wait"] == 0 or name in with_gil()
    assert not found["total"]["lock_or_queue"]
    assert found["samples"] > 0
    assert found["py_spy_cost_cores"] == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--no-py-spy"], "distinguished by py-spy only"),
        pytest.param([], "since their frames allow both", marks=needs_py_spy),
    ],
)
def test_watch_command_says_why_a_lock_may_be_a_queue(
    options: list[str], says: str, unhurried: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with program("kinds of waiting", NEWEST) as process:
        assert command_line.main(["watch", str(process.pid), "--for", "200ms", *options]) == 0
    assert f"?: lock or queue, {says}" in " ".join(capsys.readouterr().out.split())


def test_watch_command_says_that_a_process_is_not_python(unhurried: None, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([SLEEP, "60"]) as process:
        try:
            assert command_line.main(["watch", str(process.pid), "--for", "200ms"]) == 0
            printed = " ".join(capsys.readouterr().out.split())
            assert command_line.main(["watch", str(process.pid), "--for", "200ms", "--json"]) == 0
        finally:
            process.kill()
    assert f"process {process.pid} is not a CPython process: its time is shown without GIL wait" in printed
    assert "100%" in printed
    assert json.loads(capsys.readouterr().out)["python"] is None


def test_watch_command_watches_children_too(unhurried: None, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", f"import subprocess; subprocess.run([{SLEEP!r}, '600'])"]) as process:
        children: list[psutil.Process] = []
        try:
            assert until(lambda: psutil.Process(process.pid).children())
            children = psutil.Process(process.pid).children()
            assert command_line.main(["watch", str(process.pid), "--for", "200ms", "--no-py-spy"]) == 0
        finally:
            for child in children:
                child.kill()
            process.kill()
    printed = capsys.readouterr().out
    assert "pid" in printed
    assert str(children[0].pid) in printed
    assert ALL in printed


def test_watch_command_ends_with_the_process(
    unhurried: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen([SLEEP, "600"]) as process:
        following, windows = Watched.next, iter(range(2))

        def last(self: Watched) -> Interval | None:
            found = following(self)
            if next(windows) == 1:
                process.kill()
            return found

        monkeypatch.setattr(Watched, "next", last)
        assert command_line.main(["watch", str(process.pid), "--window", "200ms", "--no-py-spy"]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(f"process {process.pid} has ended\n")
    assert printed.count("samples/s") == 2  # one table per window


def test_watch_command_refuses_a_process_that_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    assert command_line.main(["watch", str(process.pid), "--for", "5s"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"there is no process {process.pid}" in line


def test_watch_command_reports_a_process_that_ends_too_early(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wait = Watched.wait
    with subprocess.Popen([SLEEP, "600"]) as process:

        def ending(self: Watched, seconds: float) -> bool:
            process.kill()
            return wait(self, 60.0)

        monkeypatch.setattr(Watched, "wait", ending)
        assert command_line.main(["watch", str(process.pid), "--for", "5s"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"process {process.pid} ended before it was watched for 1 s" in line


def test_watch_command_refuses_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["watch", str(os.getpid()), "--for", "0s", "--no-py-spy"]) == 1
    assert "watch for longer" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start what is somebody else's")
def test_watch_command_refuses_somebody_elses_process() -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "600"]
    with subprocess.Popen(nobody) as process:
        try:
            assert until(lambda: psutil.Process(process.pid).uids().effective == 65534)
            command = [*WITHOUT_CAPABILITIES, sys.executable, "-m", "bench", "watch", str(process.pid), "--for", "1s"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        finally:
            process.kill()
    assert done.returncode == 1
    assert done.stderr.endswith(f"you may not inspect process {process.pid}: run as its user, or as root\n")


@needs_py_spy
def test_watch_command_leaves_the_table_and_nothing_else_at_ctrl_c() -> None:
    with program("kinds of waiting", NEWEST) as process:
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
            with contextlib.suppress(OSError):  # the terminal is closed
                while more := os.read(ours, 65536):
                    shown += more
            assert watching.wait(60) == 0
        os.close(ours)
        assert not any(child.is_running() for child in children)
        assert process.poll() is None
    assert b"Traceback" not in shown
    assert b"38;2" not in shown  # no colour
    assert shown.rstrip().endswith(b"\x1b[?25h")  # the cursor is shown again
