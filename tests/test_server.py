"""Starting and stopping servers under a target, and what is read of them from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.accounting import usage as accounting
from bench.errors import ServerFailed
from bench.interpreters.targets import Target, resolve
from bench.places import ROOT
from bench.server import Server
from loadgen import Load, run
from servers.models import MODELS as SERVING_MODELS
from tests.support.until import until

pytestmark = pytest.mark.quiet

MODELS = ("serial", "threaded", "asyncio", "multiprocess")


@pytest.fixture(scope="module")
def target() -> Target:
    return resolve(sys.executable, [])[0]


@pytest.mark.parametrize("model", [name for name, row in SERVING_MODELS.items() if row.since <= sys.version_info[:2]])
def test_a_server_whose_turn_it_is_not_is_asleep(target: Target, model: str) -> None:
    with running(target, model) as server:
        ask = Load(host="127.0.0.1", port=server.port, connections=2, duration_s=0.05, conversation=10)
        assert run(ask).requests
        time.sleep(0.1)  # the last client has left
        before = accounting.read(server.pid)
        time.sleep(0.5)
        after = accounting.read(server.pid)
    assert after.cpu_s - before.cpu_s < 0.005


@contextlib.contextmanager
def running(target: Target, model: str, workload: str = "cpu") -> Iterator[Server]:
    server = Server(target, model, workload)
    try:
        server.ready()
        yield server
    finally:
        server.stop()


def session_of(pid: int) -> list[int]:
    """Return the processes whose session is ``pid``, ended ones not counted."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == pid and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def fake(tmp_path: Path, script: str) -> Target:
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Target("fake", {"executable": str(path)})


@pytest.mark.parametrize("model", MODELS)
def test_a_server_is_up_between_ready_and_stop(target: Target, model: str) -> None:
    with running(target, model) as server:
        assert server.said["model"] == model
        assert server.said["pid"] == server.pid
        server.check()
        socket.create_connection(("127.0.0.1", server.port), 1).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 1)
    assert session_of(server.pid) == []


def test_a_server_that_dies_at_its_start_tells_its_last_words(tmp_path: Path) -> None:
    server = Server(fake(tmp_path, "echo one >&2; echo two >&2; echo three >&2; echo four >&2; exit 3"), "serial", "io")
    with pytest.raises(ServerFailed) as failed:
        server.ready()
    assert str(failed.value) == "serial with io under fake ended at its start: two | three | four"


def test_a_server_that_dies_silently_tells_its_exit_code(tmp_path: Path) -> None:
    server = Server(fake(tmp_path, "exit 3"), "serial", "io")
    with pytest.raises(ServerFailed, match="exit code 3, no output"):
        server.ready()


def test_nonsense_in_place_of_the_ready_line_is_a_failure_and_leaves_no_process(tmp_path: Path) -> None:
    server = Server(fake(tmp_path, "echo hello; sleep 60 & sleep 60"), "serial", "io")
    with pytest.raises(ServerFailed, match="ended at its start"):
        server.ready()
    assert until(lambda: session_of(server.pid) == [])


def test_a_program_that_cannot_start_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="cannot start"):
        Server(Target("gone", {"executable": str(tmp_path / "gone")}), "serial", "io")


def test_a_server_that_ends_by_itself_is_noticed(target: Target) -> None:
    with running(target, "threaded") as server:
        os.kill(server.pid, signal.SIGKILL)
        assert until(lambda: session_of(server.pid) == [])
        with pytest.raises(ServerFailed, match="ended by itself"):
            server.check()


def test_a_server_deaf_to_signals_is_ended_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.server.STOP_TIMEOUT_S", 0.3)
    ready = '{"event": "ready", "port": 1, "work": {}}'
    server = Server(fake(tmp_path, f"trap '' TERM INT; echo '{ready}'; while :; do sleep 0.1; done"), "serial", "io")
    server.ready()
    assert server.stop() is not None
    assert server.stop() is None
    assert until(lambda: session_of(server.pid) == [])


@pytest.mark.parametrize("model", ["threaded", "multiprocess"])
def test_servers_end_with_a_harness_that_was_killed(model: str) -> None:
    harness = (
        "import sys; from bench.server import Server; from bench.interpreters.targets import resolve\n"
        f"server = Server(resolve(sys.executable, [])[0], {model!r}, 'io'); server.ready()\n"
        "print(server.pid, server.port, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", harness], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        pid, port = map(int, process.stdout.readline().split())
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"hello\n")
            assert connection.recv(100) == b"Yes, yes\n"
            assert session_of(pid)
            process.kill()
            assert until(lambda: session_of(pid) == [])


def test_stopping_many_leaves_no_descriptor_behind(target: Target) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for model in MODELS:
        with running(target, model, "echo"):
            pass
    assert count() == before


# Accounts.


@pytest.mark.parametrize("model", MODELS)
def test_cpu_time_is_what_the_kernel_tells_at_the_end(target: Target, model: str) -> None:
    server = Server(target, model, "cpu")
    server.ready()
    run(Load(host="127.0.0.1", port=server.port, connections=4, duration_s=1.0, conversation=10))
    time.sleep(0.1)  # the last children of multiprocess are reaped
    usage = accounting.read(server.pid)
    life = server.stop()
    assert life is not None
    total_s = life.ru_utime + life.ru_stime
    assert usage.consistent
    assert usage.cpu_s == pytest.approx(total_s, rel=0.02, abs=0.03)
    assert total_s > 0.3


def test_a_window_counts_children_that_came_and_went_in_it(target: Target) -> None:
    with running(target, "multiprocess", "cpu") as server:
        before = accounting.read(server.pid)
        burnt = run(Load(host="127.0.0.1", port=server.port, connections=2, duration_s=0.8, conversation=5))
        assert until(lambda: accounting.read(server.pid).threads == before.threads)
        after = accounting.read(server.pid)
        used = accounting.cpu_between(before, after)
    one_request_s = used.total / burnt.requests
    assert 50e-6 < one_request_s < 20e-3
    assert used.user > used.system > 0


def test_switches_are_exact_while_threads_stay_and_unknown_when_they_do_not(target: Target) -> None:
    with running(target, "asyncio", "echo") as server:
        before = accounting.read(server.pid)
        result = run(Load(host="127.0.0.1", port=server.port, connections=1, duration_s=0.3))
        switches = accounting.switches_between(before, accounting.read(server.pid))
    assert switches is not None
    assert not switches.estimated
    assert switches.voluntary is not None
    assert 0 < switches.voluntary <= 4 * result.requests
    with running(target, "threaded", "echo") as server:
        before = accounting.read(server.pid)
        with socket.create_connection(("127.0.0.1", server.port), 1) as connection:
            connection.sendall(b"hello\n")
            connection.recv(100)
            assert accounting.switches_between(before, accounting.read(server.pid)) is None


def test_a_process_that_is_gone_is_an_error() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    with pytest.raises(OSError, match="proc"):
        accounting.read(process.pid)
