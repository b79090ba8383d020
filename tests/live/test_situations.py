"""Processes in the states that real machines have: stopped, frozen, in a chroot, upgraded, and narrow screens.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.text import Text

from bench.errors import GilbenchError
from bench.live import screen
from bench.live.blocked import DISK, NETWORK, PIPE, PROCESS, SLEEP, blocked_in
from bench.live.breakdown import break_down
from bench.live.interval import Interval, Spent
from bench.live.watched import Watched
from bench.terminal.console import Terminal
from bench.threads.account import CPU
from bench.threads.interpreters import gils, version
from bench.threads.process_state import check_process, halted
from bench.threads.wait_state import parse, place
from loadgen.cli.spelling import LIKENESS
from tests.support.command import gilbench
from tests.support.control_groups import control_group
from tests.support.interpreters import newest, with_gil
from tests.support.until import until

NEWEST = newest()[with_gil()[0]]
COMPUTES = (
    "import threading\n"
    "def compute():\n"
    " while True: sum(range(1000))\n"
    "for _ in range(2): threading.Thread(target=compute, daemon=True).start()\n"
    "print('ready', flush=True)\n"
    "threading.Event().wait()\n"
)


@contextlib.contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as process:  # type: ignore[call-overload]
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def waits(pid: int, *, seconds: float = 0.5) -> dict[str, float]:
    """Return the shares of all threads of a process together, once it was seen for a while."""
    with Watched(pid, None) as watched:
        whole: Interval | None = None
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s or whole is None:
            watched.wait(0.1)
            one = watched.next()
            if one is not None:
                whole = one if whole is None else whole + one
        return break_down(whole, watched.name).total.shares


# Stopped.


@pytest.mark.parametrize("command", ["watch", "account"])
def test_command_says_that_a_process_is_stopped_and_what_continues_it(command: str) -> None:
    with running(str(NEWEST.program), "-c", COMPUTES) as process:
        process.send_signal(signal.SIGSTOP)
        assert until(lambda: halted(process.pid) is not None)
        duration = "--for" if command == "watch" else "--duration"
        done = gilbench(command, str(process.pid), duration, "500ms", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f"is stopped by a signal: kill -CONT {process.pid} continues it\n")


def test_watched_leaves_out_the_time_that_a_process_was_stopped() -> None:
    with running(str(NEWEST.program), "-c", COMPUTES) as process, Watched(process.pid, None) as watched:
        assert until(lambda: watched.next() is not None)
        process.send_signal(signal.SIGSTOP)
        assert until(lambda: (watched.wait(0.05), watched.next(), bool(watched.halted))[2])
        watched.wait(0.2)
        assert watched.next() is None
        process.send_signal(signal.SIGCONT)
        assert until(lambda: (watched.wait(0.05), watched.next() is not None)[1])
        assert not watched.halted


def test_halted_names_the_control_group_that_froze_a_process() -> None:
    with control_group("freezer") as (folder, first_version), running(str(NEWEST.program), "-c", COMPUTES) as process:
        name, frozen, thawed = ("freezer.state", "FROZEN", "THAWED") if first_version else ("cgroup.freeze", "1", "0")
        switch = folder / name
        (folder / "cgroup.procs").write_text(str(process.pid))
        assert halted(process.pid) is None
        switch.write_text(frozen)
        try:
            assert until(lambda: halted(process.pid) is not None)
            assert halted(process.pid) == f"frozen by its control group: echo {thawed} > {switch} thaws it"
        finally:
            switch.write_text(thawed)
        assert until(lambda: halted(process.pid) is None)


# A program whose file is elsewhere.


def test_version_and_gil_are_known_of_a_program_that_was_deleted_or_replaced(tmp_path: Path) -> None:
    program = tmp_path / "python3"
    shutil.copy2(NEWEST.build.executable, program)
    home = {"PYTHONHOME": str(Path(NEWEST.build.executable).parent.parent)}
    with running(str(program), "-c", COMPUTES, env=os.environ | home) as process:
        before = gils(process.pid)
        program.unlink()
        program.write_text("another file, as after an upgrade", encoding="utf-8")
        assert version(process.pid) == NEWEST.build.version
        assert gils(process.pid) == before != ()
        assert waits(process.pid)["gil_wait"] > 0


@pytest.mark.parametrize("interpreter", [one.name for one in newest().values()])
def test_gil_is_found_in_memory_where_no_file_can_be_read(interpreter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a shared library that was replaced, for anybody but root."""
    with running(str(newest()[interpreter].program), "-c", COMPUTES) as process:
        by_file = gils(process.pid)
        monkeypatch.setattr("bench.threads.interpreters._files", lambda _pid, _program: iter(()))
        assert gils(process.pid) == by_file != ()
        read = version(process.pid)
    assert read is None or newest()[interpreter].build.version.startswith(read.removesuffix("t"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root folder")
def test_version_and_gil_are_known_of_a_program_in_a_chroot(tmp_path: Path) -> None:
    program = Path(NEWEST.build.executable)
    libraries = subprocess.run(["/usr/bin/ldd", program], capture_output=True, text=True, check=True).stdout.split()
    for file in {word for word in libraries if word.startswith("/")} | {str(program)}:
        target = tmp_path / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    library = program.parent.parent / "lib" / f"python{NEWEST.series}"
    skipped = shutil.ignore_patterns("test", "site-packages", "__pycache__", "idlelib", "ensurepip", "*.a")
    shutil.copytree(library, tmp_path / str(library).lstrip("/"), ignore=skipped, symlinks=True)
    with running("/usr/sbin/chroot", str(tmp_path), str(program), "-c", COMPUTES) as process:
        assert version(process.pid) == NEWEST.build.version
        assert waits(process.pid)["gil_wait"] > 0


# Ids.


def test_check_process_names_the_process_of_a_thread() -> None:
    ready, over = threading.Event(), threading.Event()
    ids: list[int] = []

    def run() -> None:
        ids.append(threading.get_native_id())
        ready.set()
        over.wait()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        ready.wait()
        with pytest.raises(GilbenchError, match=f"{ids[0]} is a thread of process {os.getpid()}"):
            check_process(ids[0])
    finally:
        over.set()
        thread.join()
    check_process(os.getpid())


IN_A_NAMESPACE = """
import os, time
with open("/proc/sys/kernel/ns_last_pid", "w") as file:
    file.write("3999990")
if os.fork() == 0:
    print("ready", flush=True)
    time.sleep(600)
os.wait()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a pid namespace without a user namespace")
def test_check_process_names_the_process_that_a_container_calls_otherwise() -> None:
    unshare = ("/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    with (
        running(*unshare, str(NEWEST.program), "-c", IN_A_NAMESPACE),
        pytest.raises(GilbenchError, match=r"process 3999991 of a container is \d+ here: name that"),
    ):
        check_process(3_999_991)


# What a thread is blocked in.

BLOCKED = {
    SLEEP: "time.sleep(600)",
    PIPE: "os.read(os.pipe()[0], 1)",
    NETWORK: "a, b = socket.socketpair(); a.recv(1)",
    PROCESS: "subprocess.Popen(['/bin/sleep', '600']).wait()",
}


@pytest.mark.parametrize("kind", BLOCKED)
@pytest.mark.parametrize("interpreter", dict.fromkeys((with_gil()[0], with_gil()[-1])))
def test_blocked_in_tells_kinds_of_waiting_apart(kind: str, interpreter: str) -> None:
    code = f"import os, socket, subprocess, time\nprint('ready', flush=True)\n{BLOCKED[kind]}"
    with running(str(newest()[interpreter].program), "-c", code, start_new_session=True) as process:

        def seen() -> bool:
            call = parse(Path(f"/proc/{process.pid}/syscall").read_bytes())
            return call is not None and blocked_in(process.pid, place(call)) == kind

        try:
            assert until(seen)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_blocked_in_takes_a_file_for_the_disk(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        line = f"1 0x{file.fileno():x} 0x0 0x1 0x0 0x0 0x0 0x7ffc0 0x7f0".encode()
        call = parse(line)
        assert call is not None
        assert blocked_in(os.getpid(), place(call), "x86_64") == DISK
        assert blocked_in(os.getpid(), place(call)._replace(number=-1), "x86_64") == DISK
        for machine, unlinkat in (("x86_64", 263), ("aarch64", 35)):
            assert blocked_in(os.getpid(), place(call)._replace(number=unlinkat), machine) == DISK


# Screens.


def spent(pid: int) -> Spent:
    times = dict.fromkeys(("run_queue", "gil_wait", "lock_wait", "blocked", "idle", "work_wait", "unclear_wait"), 0.0)
    return Spent(pid, {CPU: 1.0, **times}, blocked={})


@pytest.mark.parametrize("width", [20, 30, 40, 55, 64, 72, 80, 120])
@pytest.mark.parametrize("processes", [1, 2])
def test_screen_drops_names_and_columns_before_it_cuts_a_figure(width: int, processes: int) -> None:
    threads = {4_194_000 + n: spent(4_194_300 + n % processes) for n in range(4)}
    nobody = Spent(0, dict.fromkeys(spent(0).times, 0.0))
    found = break_down(Interval(1.0, threads, nobody, 100, 0.01, 0.0), lambda tid: f"thread with a long name {tid}")
    out = io.StringIO()
    console = Terminal(out, width=width, height=40, force_terminal=True, no_color=True)
    console.print(screen.table(found, ["process 1"], [], console))
    lines = [line for line in Text.from_ansi(out.getvalue()).plain.splitlines() if "100%" in line]
    assert len(lines) == 5
    assert all("…" not in line.partition("100%")[2] for line in lines)
    assert max(map(len, lines)) <= width
    layout = screen.fit(width, processes=processes > 1, bar=True)
    assert layout.width <= width
    assert layout.bar or width < 80


def test_watch_writes_ascii_where_there_is_nothing_else() -> None:
    with running(str(NEWEST.program), "-c", COMPUTES) as process:
        done = gilbench("watch", str(process.pid), "--for", "500ms", "--no-py-spy", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "all threads" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("text", "ascii"), [("±2% · 3× → 5 µs …", b"+-2% . 3x -> 5 us ~"), ("█▓▒░─ é", b"#+=:- ?")])
def test_spelling_writes_a_likeness(text: str, ascii: bytes) -> None:  # noqa: A002 - the encoding
    assert text.encode("ascii", LIKENESS) == ascii


def test_watch_json_says_what_threads_were_blocked_in() -> None:
    code = "import time\nprint('ready', flush=True)\ntime.sleep(600)"
    with running(str(NEWEST.program), "-c", code) as process:
        done = gilbench("watch", str(process.pid), "--for", "500ms", "--no-py-spy", "--json")
    assert done.returncode == 0, done.stderr
    (thread,) = json.loads(done.stdout)["threads"]
    assert thread["blocked_in"] == {"sleep": pytest.approx(thread["blocked"])}


# Tasks.

TASKS = """
import asyncio

async def fetch():
    await asyncio.sleep(600)

async def main():
    queue = asyncio.Queue()
    tasks = [asyncio.create_task(fetch()) for _ in range(3)] + [asyncio.create_task(queue.get())]
    print("ready", flush=True)
    await asyncio.gather(*tasks)

asyncio.run(main())
"""
WITH_TASKS = [one for one in newest().values() if one.release >= (3, 14)]


@pytest.mark.parametrize("interpreter", [one.name for one in WITH_TASKS])
def test_watch_shows_what_asyncio_tasks_await(interpreter: str, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(TASKS, encoding="utf-8")
    path = f"{tmp_path}/shop.py"
    with running(str(newest()[interpreter].program), path) as process:

        def seen() -> dict[tuple[str, str, str, int], float]:
            done = gilbench("watch", str(process.pid), "--for", "1s", "--no-py-spy", "--json")
            rows = json.loads(done.stdout)["tasks"]
            return {(row["awaits"], row["function"], row["file"], row["line"]): row["tasks"] for row in rows}

        wanted = {
            ("sleep", "fetch", path, 5): 3.0,
            ("Queue.get", "", "", 0): 1.0,
            ("", "main", path, 11): 1.0,
        }
        assert until(lambda: seen() == wanted)
        shown = gilbench("watch", str(process.pid), "--for", "1s", "--no-py-spy", NO_COLOR="1").stdout
    assert "5.0 asyncio tasks await" in shown
    assert "    3.0  sleep in fetch (shop.py:5)" in shown
