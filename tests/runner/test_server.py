"""Launching and stopping a server under an interpreter, and the CPU time of its process tree, read from outside.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from bench.errors import ServerFailed
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import resolve
from bench.paths import ROOT
from bench.runner.server import Server, serving
from bench.schema.record_parts import ContextSwitches, CpuTime, PageFaults
from bench.threads import usage
from servers.models import MODELS as SERVING_MODELS
from tests.support.builds import made_build
from tests.support.until import until

MODELS = ("serial", "threaded", "asyncio", "multiprocess")
TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    return resolve(sys.executable, list)[0]


def running(interpreter: Interpreter, model: str, workload: str = "echo") -> AbstractContextManager[Server]:
    return serving(interpreter, model, workload)


def session_of(pid: int) -> list[int]:
    """Return the processes whose session is ``pid``, without those that have ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == pid and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


ANNOUNCE = """
for word; do case $word in --ready-fd=*) ready=/proc/self/fd/${word#*=};; esac; done
echo '%s' > $ready
"""


def fake(tmp_path: Path, script: str) -> Interpreter:
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Interpreter("fake", made_build(executable=str(path)))


@pytest.mark.parametrize("model", MODELS)
def test_server_accepts_connections_between_ready_and_stop(interpreter: Interpreter, model: str) -> None:
    with running(interpreter, model) as server:
        assert server.said["model"] == model
        assert server.said["pid"] == server.pid
        server.check()
        socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)
    assert session_of(server.pid) == []


def test_server_fails_with_the_last_lines_of_a_process_that_ends_at_launch(tmp_path: Path) -> None:
    server = Server(fake(tmp_path, "echo one >&2; echo two >&2; echo three >&2; echo four >&2; exit 3"), "serial", "io")
    with pytest.raises(ServerFailed) as failed:
        server.ready()
    assert str(failed.value) == "serial with io under fake ended during startup: two | three | four"


def test_server_fails_with_the_exit_code_of_a_process_without_output(tmp_path: Path) -> None:
    server = Server(fake(tmp_path, "exit 3"), "serial", "io")
    with pytest.raises(ServerFailed, match="exit code 3, no output"):
        server.ready()


def test_server_ends_a_process_whose_ready_line_is_invalid(tmp_path: Path) -> None:
    server = Server(fake(tmp_path, ANNOUNCE % "hello" + "sleep 60 & sleep 60"), "serial", "io")
    with pytest.raises(ServerFailed, match="ended during startup"):
        server.ready()
    assert until(lambda: session_of(server.pid) == [])


def test_server_fails_for_a_program_that_cannot_be_executed(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="cannot start"):
        Server(Interpreter("gone", made_build(executable=str(tmp_path / "gone"))), "serial", "io")


def test_server_check_fails_once_the_process_has_ended(interpreter: Interpreter) -> None:
    with running(interpreter, "threaded") as server:
        os.kill(server.pid, signal.SIGKILL)
        assert until(lambda: session_of(server.pid) == [])
        with pytest.raises(ServerFailed, match="ended by itself"):
            server.check()


def test_server_kills_a_process_that_ignores_signals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.runner.server.STOP_TIMEOUT_S", 0.3)
    ready = '{"event": "ready", "port": 1, "work": {}}'
    script = "trap '' TERM INT" + ANNOUNCE % ready + "while :; do sleep 0.1; done"
    server = Server(fake(tmp_path, script), "serial", "io")
    server.ready()
    assert server.stop() is not None
    assert server.stop() is None
    assert until(lambda: session_of(server.pid) == [])


def test_server_ends_with_a_harness_that_is_killed() -> None:
    harness = (
        "import sys; from bench.runner.server import Server; from bench.interpreters.interpreter import Interpreter\n"
        "from tests.support.builds import made_build\n"
        "own = Interpreter('own', made_build(executable=sys.executable))\n"
        "servers = [Server(own, model, 'io') for model in ('threaded', 'multiprocess')]\n"
        "for server in servers: server.ready(); print(server.pid, server.port, flush=True)\n"
        "input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", harness], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        sessions = []
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                pid, port = map(int, process.stdout.readline().split())
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), TIMEOUT_S))
                connection.sendall(b"hello\n")
                assert connection.recv(100) == b"Yes, yes\n"
                assert session_of(pid)
                sessions.append(pid)
            process.kill()
            assert until(lambda: not any(session_of(pid) for pid in sessions))


def test_server_closes_all_descriptors_when_it_stops(interpreter: Interpreter) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for model in MODELS:
        with running(interpreter, model, "echo"):
            pass
    assert count() == before


def converse(server: Server, requests: int = 1) -> None:
    """Send requests on a new connection, each one after the reply to the one before."""
    with (
        socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as connection,
        connection.makefile("rb") as replies,
    ):
        for _ in range(requests):
            connection.sendall(b"hello\n")
            assert replies.readline() == b"Yes, yes\n"


# Usage of a process tree.

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
BURN_S = 0.02
BURNING = f"""
import time

def burn(request):
    until_s = time.thread_time() + {BURN_S}
    while time.thread_time() < until_s:
        pass
    return b"Yes, yes"
"""


@pytest.fixture(scope="module")
def burning(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a workload whose requests each take at least ``BURN_S`` of CPU time."""
    path = tmp_path_factory.mktemp("handler") / "burning.py"
    path.write_text(BURNING, encoding="utf-8")
    return f"{path}:burn"


@pytest.mark.parametrize("model", MODELS)
def test_usage_counts_cpu_time_of_a_tree_and_of_its_ended_children(
    interpreter: Interpreter, model: str, burning: str
) -> None:
    with running(interpreter, model, burning) as server:
        before = usage.read(server.pid)
        for _ in range(2):
            converse(server, requests=3)
        if model == "multiprocess":
            assert until(lambda: usage.read(server.pid).threads == before.threads)
        after = usage.read(server.pid)
        life = server.stop()
    assert life is not None
    assert after.consistent
    assert usage.cpu_between(before, after).total >= 6 * BURN_S - 2 * TICK_S
    assert after.cpu_s <= life.ru_utime + life.ru_stime + 2 * TICK_S
    assert after.peak_rss_bytes > 1e6
    assert after.minor_faults > 0


@pytest.mark.parametrize("model", [name for name, row in SERVING_MODELS.items() if row.since <= sys.version_info[:2]])
def test_servers_sleep_while_nobody_asks(interpreter: Interpreter, model: str) -> None:
    def asleep() -> bool:
        before = usage.read(server.pid)
        time.sleep(0.1)
        after = usage.read(server.pid)
        return (after.cpu_s, after.voluntary) == (before.cpu_s, before.voluntary)

    with running(interpreter, model) as server:
        converse(server)
        assert until(asleep)


def reading(**fields: Any) -> usage.Usage:
    """Return a reading of a tree of two threads that has done nothing, except for the given fields."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("at_s", "took_s", "counted", "cpu_s", "user_ticks", "system_ticks", "voluntary", "involuntary"), 0
    )
    nothing |= {
        "peak_rss_bytes": 0,
        "minor_faults": 0,
        "major_faults": 0,
        "threads": frozenset({1, 2}),
        "consistent": True,
    }
    return usage.Usage(**nothing | fields)


@pytest.mark.parametrize(
    ("ticks_before", "ticks_after", "user", "system"),
    [
        ((10, 10), (13, 11), 0.75, 0.25),
        ((10, 10), (10, 12), 0.0, 1.0),
        ((10, 10), (10, 10), 1.0, 0.0),  # too short for a tick
    ],
)
def test_usage_divides_exact_cpu_time_as_ticks_are_divided(
    ticks_before: tuple[int, int], ticks_after: tuple[int, int], user: float, system: float
) -> None:
    before = reading(cpu_s=2.0, user_ticks=ticks_before[0], system_ticks=ticks_before[1])
    after = reading(cpu_s=3.0, user_ticks=ticks_after[0], system_ticks=ticks_after[1])
    assert usage.cpu_between(before, after) == CpuTime(user, system)


def test_usage_counts_faults_and_switches_between_two_readings() -> None:
    before = reading(minor_faults=100, major_faults=3, voluntary=50, involuntary=7)
    after = reading(minor_faults=150, major_faults=4, voluntary=62, involuntary=9)
    assert usage.faults_between(before, after) == PageFaults(50, 1)
    assert usage.switches_between(before, after) == ContextSwitches(12, 2, estimated=False)


def test_usage_does_not_count_switches_where_threads_come_or_go() -> None:
    for threads in ({1}, {1, 2, 3}, {1, 3}):
        assert usage.switches_between(reading(), reading(voluntary=9, threads=frozenset(threads))) is None


def test_usage_estimates_switches_as_a_share_of_the_servers_life() -> None:
    life = resource.struct_rusage([0.0] * 14 + [110, 45])
    estimate = usage.switches_of_life(life, reading(voluntary=10, involuntary=5), 0.25)
    assert estimate == ContextSwitches(25, 10, estimated=True)


def test_usage_counts_switches_while_threads_stay(interpreter: Interpreter) -> None:
    def voluntary() -> int | None:
        switches = usage.switches_between(before, usage.read(server.pid))
        assert switches is not None
        assert not switches.estimated
        return switches.voluntary

    with running(interpreter, "asyncio", "echo") as server:
        converse(server)
        before = usage.read(server.pid)
        converse(server)
        assert until(voluntary)


def test_usage_counts_no_switches_while_a_thread_is_new(interpreter: Interpreter) -> None:
    with running(interpreter, "threaded", "echo") as server:
        before = usage.read(server.pid)
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as connection:
            connection.sendall(b"hello\n")
            connection.recv(100)
            assert usage.switches_between(before, usage.read(server.pid)) is None


def test_usage_refuses_a_process_that_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    with pytest.raises(OSError, match="proc"):
        usage.read(process.pid)
