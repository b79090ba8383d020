"""Thread accounting: arithmetic on recorded lines and synthetic samples, and the mechanism on real waiting threads.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import commands as command_line
from bench.errors import GilbenchError
from bench.live.account import account_to_dict, watch
from bench.paths import ROOT
from bench.runner.server import Server
from bench.runner.window import measure
from bench.schema.cell import Cell
from bench.threads import fast_sampler, forbidden, sampler, usage, wait_state
from bench.threads.account import BATCHES, STATES, Account, Role, account
from bench.threads.descriptors import Descriptors, listeners
from bench.threads.fast_sampler import next_gap_ns
from bench.threads.interpreters import gils
from bench.threads.roles import LOOP, MAIN, POOL, WORKER
from bench.threads.sampler import FASTEST_S, SLOWEST_S, Sampler, Samples, StateAndPlace, next_gap_s
from bench.threads.tree import Tree
from bench.threads.wait_state import Descriptor, Place, State, classify, is_event_loop, parse
from bench.threads.watch import Watch
from loadgen import Load, run
from tests.support.interpreters import chosen, with_gil, without_gil
from tests.support.until import until

INTERPRETERS = chosen()
NEWEST = with_gil()[0]
WAITING = ["-m", "tests.support.waiting"]
WINDOW_S = 0.5
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"]
ACCOUNT = [sys.executable, "-m", "bench", "account"]

under_each = pytest.mark.parametrize("name", chosen())


# States from lines of /proc.


class RecordedProcess:
    """A process with known GIL addresses and descriptors."""

    def holds_gil(self, address: int) -> bool:
        return 0x55B2E82FBF28 <= address < 0x55B2E82FBF28 + 0x1000

    def descriptor(self, fd: int) -> Descriptor:
        return {3: Descriptor.LISTENER, 6: Descriptor.CLIENT}.get(fd, Descriptor.OTHER)

    def watched(self, epoll: int) -> Collection[int]:
        return {5: [3, 9], 12: [9]}[epoll]

    def polled(self, address: int, count: int) -> Collection[int]:
        return {0x7FFC00001000: [3, 5], 0x7FFC00002000: [6], 0x7FFC00003000: [9]}[address][:count]


# Recorded from threads of CPython 3.13 on Linux 6.18, x86-64.
RECORDED = [
    (b"running\n", State.RUNNING),
    (b"202 0x55b2e82fc010 0x89 0x0 0x7f6e2b9fecb0 0x0 0xffffffff 0x7f6e2b9febc0 0x7f6e31c5a117\n", State.GIL),
    (b"202 0x7f6e24000c50 0x189 0x0 0x0 0x0 0xffffffff 0x7f6e2b9feb50 0x7f6e31c5a117\n", State.LOCK),
    (b"230 0x1 0x1 0x7ffd8a3d9e40 0x0 0x0 0x0 0x7ffd8a3d9dd0 0x7f6e31ca6a7a\n", State.OWN),
    (b"45 0x6 0x7f6e24002f10 0x10000 0x0 0x0 0x0 0x7f6e2b9fe8a0 0x7f6e31cde2f7\n", State.CLIENT),
    (b"45 0x9 0x7f6e24002f10 0x10000 0x0 0x0 0x0 0x7f6e2b9fe8a0 0x7f6e31cde2f7\n", State.OWN),
    (b"0 0x9 0x7f6e24002f10 0x200 0x0 0x0 0x0 0x7f6e2b9fe8a0 0x7f6e31cde2f7\n", State.OWN),
    (b"288 0x3 0x7ffd8a3d9e40 0x7ffd8a3d9e3c 0x80000 0x0 0x0 0x7ffd8a3d9dd0 0x7f6e31ce0b0e\n", State.IDLE),
    (b"232 0x5 0x7f6e24002f10 0x40 0xffffffff 0x0 0x0 0x7ffd8a3d9dd0 0x7f6e31ce0b0e\n", State.IDLE),
    (b"232 0xc 0x7f6e24002f10 0x40 0xffffffff 0x0 0x0 0x7ffd8a3d9dd0 0x7f6e31ce0b0e\n", State.OWN),
    (b"7 0x7ffc00001000 0x2 0xffffffff 0x0 0x0 0x0 0x7ffd8a3d9dd0 0x7f6e31cd2a8f\n", State.IDLE),
    (b"7 0x7ffc00002000 0x1 0x1388 0x0 0x0 0x0 0x7ffd8a3d9dd0 0x7f6e31cd2a8f\n", State.CLIENT),
    (b"7 0x7ffc00003000 0x1 0x1388 0x0 0x0 0x0 0x7ffd8a3d9dd0 0x7f6e31cd2a8f\n", State.OWN),
    (b"23 0x0 0x0 0x0 0x0 0x7ffd8a3d9e40 0x0 0x7ffd8a3d9dd0 0x7f6e31cd2a8f\n", State.OWN),
    (b"74 0x4 0x0 0x0 0x0 0x0 0x0 0x7ffd8a3d9dd0 0x7f6e31cd2a8f\n", State.OWN),
    (b"-1 0x7ffd8a3d9dd0 0x7f6e31cd2a8f\n", State.OWN),
]


@pytest.mark.parametrize(("line", "state"), RECORDED, ids=[line.split()[0].decode() for line, _ in RECORDED])
def test_wait_state_classifies_a_recorded_line(line: bytes, state: State) -> None:
    assert classify(parse(line), RecordedProcess(), "x86_64") is state


def test_wait_state_numbers_system_calls_by_machine() -> None:
    assert (
        classify(parse(b"98 0x55b2e82fc010 0x89 0x0 0x0 0x0 0x0 0x1 0x2\n"), RecordedProcess(), "aarch64") is State.GIL
    )
    assert is_event_loop(Place(22, 5, 0), "aarch64")
    assert not is_event_loop(Place(22, 5, 0), "x86_64")
    assert not wait_state.is_supported("s390x")


@pytest.mark.parametrize("line", [b"", b"\n", b"x y z\n", b"202 0x1\n", b"202 nonsense 0x1 0x2\n"])
def test_wait_state_refuses_a_malformed_line(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(line)


# Shares from samples.

WAITS = st.sampled_from([state for state in State if state is not State.RUNNING])
NS = st.integers(0, 10**9)


@given(
    samples=st.lists(st.tuples(st.integers(0, 19), st.integers(1, 5), st.integers(0, 5)), min_size=1, max_size=200),
    exact=st.dictionaries(st.integers(1, 3), st.tuples(NS, NS), max_size=3),
    cpu_s=st.floats(0, 5),
)
def test_account_gives_shares_that_sum_to_one(
    samples: list[tuple[int, int, int]], exact: dict[int, tuple[int, int]], cpu_s: float
) -> None:
    doings: list[StateAndPlace] = [(state, None) for state in State]
    found = account(Samples(1, wall_s=1.0, count=20, rows=sorted(samples), doings=doings, exact_ns=exact), cpu_s)
    assert found is not None
    for role in (*found.roles, *found.each.values(), found.serving):
        assert role.threads >= 0
        if role.threads:
            assert sum(role.shares.values()) == pytest.approx(1)
            assert all(share >= 0 for share in role.shares.values())
    assert set(found.serving.shares) == set(STATES)


def samples(
    *threads: tuple[int, Sequence[StateAndPlace]], idle: dict[int, set[Place]] | None = None, count: int = 10
) -> Samples:
    """Return samples, over one second, of threads that cycle through the given states."""
    doings = list(dict.fromkeys(doing for _, each in threads for doing in each))
    samples = [(n, tid, doings.index(each[n % len(each)])) for n in range(count) for tid, each in threads]
    exact = {tid: (0, 0) for tid, _ in threads}
    return Samples(1, 1.0, count, samples, doings, exact_ns=exact, idle_places=idle or {})


def accounted(seen: Samples, cpu_s: float = 0.0) -> Account:
    found = account(seen, cpu_s)
    assert found is not None
    return found


RUNNING: StateAndPlace = (State.RUNNING, None)
GIL: StateAndPlace = (State.GIL, None)
LOCK: StateAndPlace = (State.LOCK, None)
OWN: StateAndPlace = (State.OWN, None)
IDLE: StateAndPlace = (State.IDLE, None)
CLIENT: StateAndPlace = (State.CLIENT, None)


def nonzero(role: Role) -> dict[str, Any]:
    return {state: pytest.approx(share) for state, share in role.shares.items() if share}


def test_account_takes_cpu_and_queue_from_the_kernel_and_divides_the_rest_by_samples() -> None:
    seen = samples((1, [RUNNING, GIL, GIL, LOCK, OWN]))
    seen.wall_s, seen.exact_ns[1] = 2.0, (500_000_000, 100_000_000)
    shares = {"cpu": 0.25, "run_queue": 0.05, "gil_wait": 0.35, "lock_wait": 0.175, "blocked": 0.175}
    assert nonzero(accounted(seen, 0.5).each[1]) == shares


def test_account_of_four_threads_that_take_turns_is_that_of_each() -> None:
    seen = samples(*((tid, [RUNNING if turn == tid else GIL for turn in range(4)]) for tid in range(4)), count=16)
    seen.root = 0
    seen.exact_ns = dict.fromkeys(range(4), (250_000_000, 40_000_000))
    found = accounted(seen, 1.0)
    assert nonzero(found.serving) == {"cpu": 0.25, "run_queue": 0.04, "gil_wait": 0.71}
    assert found.serving.threads == pytest.approx(3)  # the first is the main thread, which does not serve
    assert {role.name: role.threads for role in found.roles} == {MAIN: pytest.approx(1), WORKER: pytest.approx(3)}
    assert not found.estimated


def test_account_fits_the_threads_cpu_time_to_that_of_their_processes() -> None:
    seen = samples((1, [IDLE]), (2, [RUNNING]), (3, [RUNNING, OWN]))
    seen.exact_ns = {1: (0, 0), 2: (600_000_000, 0), 3: (200_000_000, 0)}  # lags by up to a tick
    found = accounted(seen, 0.88)
    assert [found.each[tid].shares["cpu"] for tid in (1, 2, 3)] == pytest.approx([0, 0.66, 0.22])
    assert found.each[3].shares["blocked"] == pytest.approx(0.78)


def test_account_gives_no_thread_more_time_than_the_window_has() -> None:
    seen = samples((1, [RUNNING]), (2, [RUNNING]))
    seen.exact_ns = {1: (1_100_000_000, 0), 2: (700_000_000, 500_000_000)}
    found = accounted(seen, 1.8)
    assert nonzero(found.each[1]) == {"cpu": 1}
    assert nonzero(found.each[2]) == {"cpu": 0.7, "run_queue": 0.3}


def test_account_calls_a_wait_that_no_sample_met_idle() -> None:
    seen = samples((1, [RUNNING]))
    seen.exact_ns = {1: (400_000_000, 0)}
    assert nonzero(accounted(seen, 0.4).each[1]) == {"cpu": 0.4, "idle": 0.6}


def test_account_estimates_errors_by_batch_means() -> None:
    half = 2 * BATCHES
    seen = samples((1, [LOCK] * half + [GIL] * half), count=2 * half)  # each batch has one state: share 0 or 1
    error = (BATCHES / (BATCHES - 1) / 4) ** 0.5 / BATCHES**0.5
    wanted = dict.fromkeys(accounted(seen).errors, 0.0) | {"lock_wait": error, "gil_wait": error}
    assert accounted(seen).errors == pytest.approx(wanted)
    assert accounted(samples((1, [LOCK, GIL]), count=2 * half)).errors == pytest.approx(dict.fromkeys(wanted, 0.0))
    assert accounted(samples((1, [LOCK]), count=1)).errors == {}


def test_account_leaves_a_main_thread_that_only_helps_out_of_its_errors() -> None:
    half = 2 * BATCHES
    seen = samples((1, [LOCK] * half + [GIL] * half), (2, [OWN]), count=2 * half)
    assert set(accounted(seen).errors.values()) == {0.0}


def test_account_means_the_waiting_connections_and_the_overhead() -> None:
    seen = samples((1, [OWN]))
    assert accounted(seen).waiting is None
    seen.wall_s, seen.waiting, seen.cost_s = 2.0, [3, 3, 0, 2], 0.05
    found = accounted(seen)
    assert (found.waiting, found.overhead_cores, found.samples) == (2.0, 0.025, 10)


def test_account_calls_a_wait_idle_where_the_thread_sleeps_without_load() -> None:
    queue, lock = Place(202, 0x10, 0x20), Place(202, 0x10, 0x30)
    waits: list[StateAndPlace] = [(State.LOCK, queue), (State.LOCK, lock)]
    found = accounted(samples((1, [OWN]), (2, waits), (3, waits), idle={2: {queue}, 3: {Place(202, 0x11, 0x20)}}))
    assert nonzero(found.each[2]) == {"lock_wait": 0.5, "idle": 0.5}
    assert nonzero(found.each[3]) == {"lock_wait": 1}
    gil = accounted(samples((1, [(State.GIL, queue)]), idle={1: {queue}}))
    assert nonzero(gil.each[1]) == {"gil_wait": 1}


def test_account_names_roles_by_what_threads_do() -> None:
    busy, events = [CLIENT], [(State.IDLE, Place(232, 5, 0))]
    cases = {
        (MAIN, WORKER): samples((1, [IDLE]), (2, busy)),
        (LOOP, POOL): samples((1, events), (2, busy)),
        (WORKER,): samples((1, busy)),
    }
    for names, seen in cases.items():
        found = accounted(seen)
        assert tuple(role.name for role in found.roles) == tuple(sorted(names))
        assert found.serving.threads == pytest.approx(sum(role.threads for role in found.roles if role.name != MAIN))


def test_account_estimates_threads_that_come_and_go_from_samples_and_all_cpu_time() -> None:
    seen = samples((1, [IDLE]), (2, [RUNNING, (State.OWN, Place(230, 0, 0))]))
    del seen.exact_ns[2]
    found = accounted(seen, 0.4)
    assert found.estimated
    (worker,) = (role for role in found.roles if role.name == WORKER)
    assert worker.threads == pytest.approx(1.0)
    assert nonzero(worker) == {"cpu": 0.4, "run_queue": 0.1, "blocked": 0.5}


def test_account_without_samples_is_none() -> None:
    assert account(Samples(1), 1.0) is None


def test_watch_records_waits_for_clients_as_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    class MadeSampler:
        def __init__(self, pid: int, ports: frozenset[int]) -> None: ...

        def sample_idle(self) -> Samples:
            seen = samples((1, [RUNNING, RUNNING, IDLE, CLIENT, CLIENT]), count=20)
            seen.exact_ns[1] = (380_000_000, 20_000_000)
            return seen

        def close(self) -> None: ...

    monkeypatch.setattr("bench.threads.watch.Sampler", MadeSampler)
    with Watch(1, frozenset()) as watching:
        states, accounting = watching.result(0.38)
    shares = {"cpu": 0.38, "run_queue": 0.02, "idle": 0.6}
    wanted = dict.fromkeys((field.name for field in dataclasses.fields(states)), 0.0) | shares
    assert dataclasses.asdict(states) == pytest.approx(wanted)
    assert accounting.unknown is None
    assert accounting.roles[WORKER] == {"threads": 1.0} | dict.fromkeys(STATES, 0.0) | {
        "cpu": 0.38,
        "run_queue": 0.02,
        "idle": 0.2,
        "client_wait": 0.4,
    }
    assert accounting.each == [{"role": WORKER} | {state: accounting.roles[WORKER][state] for state in STATES}]


# Pacing of sampling.


def test_sampler_samples_less_often_the_more_a_sample_costs() -> None:
    assert next_gap_s(0.01, 400e-6) == pytest.approx(0.8 * 0.01 + 0.2 * 0.02)  # slowly
    gap_s = 0.05
    for _ in range(200):
        gap_s = next_gap_s(gap_s, 200e-6)
    assert 200e-6 / gap_s == pytest.approx(sampler.COST_CORES)
    assert next_gap_s(FASTEST_S, 0.0) == FASTEST_S
    assert next_gap_s(SLOWEST_S, 1.0) == SLOWEST_S


def test_fast_sampler_samples_less_often_the_more_a_sample_costs() -> None:
    assert next_gap_ns(1e6, 80e3, shortest_ns=5e5) == pytest.approx(0.9e6 + 0.1 * 2e6)  # slowly
    gap_ns = 5e5
    for _ in range(200):
        gap_ns = next_gap_ns(gap_ns, 60e3, shortest_ns=5e5)
    assert 60e3 / gap_ns == pytest.approx(fast_sampler.FAST_COST_CORES)
    assert next_gap_ns(5e5, 0.0, shortest_ns=5e5) == 5e5


@pytest.mark.parametrize(
    ("scope", "says"),
    [("1", "only its parent may inspect"), ("0", "you may not inspect"), (None, "you may not inspect")],
)
def test_forbidden_says_who_may_inspect_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str | None, says: str
) -> None:
    yama = tmp_path / "ptrace_scope"
    if scope is not None:
        yama.write_text(f"{scope}\n")
    monkeypatch.setattr(forbidden, "_YAMA", yama)
    assert says in forbidden.forbidden(os.getpid())


# Real threads.


@contextlib.contextmanager
def program(name: str, interpreter: str, *prefix: str) -> Iterator[int]:
    """Run a program of :mod:`tests.support.waiting` and yield its pid."""
    command = [*prefix, str(INTERPRETERS[interpreter].program), *WAITING, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
        finally:
            process.kill()


Seen = list[dict[int, State]]
"""State of each thread except the first, sample by sample."""


def seen_until(pid: int, enough: Callable[[Seen], bool]) -> Seen:
    """Sample a process until the samples are enough, and return them."""
    seen: Seen = []
    with contextlib.closing(Sampler(pid, frozenset())) as sampling:
        sampling.begin()

        def sampled() -> bool:
            taken = sampling.cut()
            for sample in range(taken.count):
                states = {tid: taken.doings[doing][0] for n, tid, doing in taken.rows if n == sample and tid != pid}
                seen.append(states)
            return enough(seen)

        assert until(sampled), seen[-10:]
    return seen


def met(seen: Seen) -> dict[int, set[State]]:
    """Return the states in which each thread was sampled."""
    return {
        tid: {sample[tid] for sample in seen if tid in sample} for tid in {tid for sample in seen for tid in sample}
    }


def each_of(threads: int, *states: State) -> Callable[[Seen], bool]:
    """Return the condition that each of ``threads`` threads was sampled in each of the states."""

    def enough(seen: Seen) -> bool:
        found = met(seen)
        return len(found) == threads and all(found[tid].issuperset(states) for tid in found)

    return enough


@pytest.mark.parametrize("name", with_gil())
def test_sampler_sees_threads_that_compute_wait_for_the_gil(name: str) -> None:
    with program("four compute", name) as pid:
        seen = seen_until(pid, each_of(4, State.RUNNING, State.GIL))
    assert not any(State.LOCK in states for states in met(seen).values())


@pytest.mark.parametrize("name", without_gil())
def test_sampler_sees_no_gil_in_a_free_threaded_build(name: str) -> None:
    with program("four compute", name) as pid:
        seen = seen_until(pid, lambda seen: each_of(4, State.RUNNING)(seen) and len(seen) >= 10)
    assert not any(State.GIL in states for states in met(seen).values())


@under_each
def test_sampler_tells_threads_that_wait_for_a_lock_from_the_one_that_sleeps(name: str) -> None:
    wanted = Counter({State.LOCK: 3, State.OWN: 1})
    with program("four under one lock", name) as pid:
        seen_until(pid, lambda seen: any(Counter(sample.values()) == wanted for sample in seen))


@under_each
def test_sampler_sees_one_that_computes_alone_wait_for_nobody(name: str) -> None:
    with program("one computes", name) as pid:
        seen = seen_until(pid, lambda seen: each_of(1, State.RUNNING)(seen) and len(seen) >= 10)
    assert met(seen).popitem()[1].isdisjoint({State.GIL, State.LOCK})


def test_sampler_tells_c_code_that_holds_the_gil_from_c_code_that_releases_it() -> None:
    with program("C that holds the GIL", NEWEST) as pid:
        seen_until(pid, each_of(2, State.GIL, State.OWN))
    with program("C that releases the GIL", NEWEST) as pid:
        seen_until(pid, lambda seen: any(list(sample.values()) == [State.OWN, State.OWN] for sample in seen))


@pytest.mark.parametrize("name", [name for name in with_gil() if INTERPRETERS[name].release >= (3, 14)])
def test_gils_finds_that_of_each_interpreter(name: str) -> None:
    with program("two interpreters", name) as pid:
        assert until(lambda: len(gils(pid)) == 3)
        seen_until(pid, each_of(4, State.RUNNING, State.GIL))


def test_sampler_loses_no_time_from_one_cut_to_the_next() -> None:
    with (
        program("four under one lock", NEWEST) as pid,
        contextlib.closing(Sampler(pid, frozenset())) as sampling,
    ):
        before_s = time.monotonic()
        sampling.begin()
        began_s = time.monotonic()
        cuts: list[Samples] = []

        def counted() -> int:
            cuts.append(sampling.cut())
            return sum(cut.count for cut in cuts)

        assert until(lambda: counted() >= 5)
        ending_s = time.monotonic()
        cuts.append(sampling.cut())
        after_s = time.monotonic()
    assert ending_s - began_s <= sum(cut.wall_s for cut in cuts) <= after_s - before_s
    assert all({sample for sample, _, _ in cut.rows} == set(range(cut.count)) for cut in cuts)


# The command.


def reported(pid: int) -> dict[str, Any]:
    """Return the command's report on a process, for a user without privileges."""
    command = [*WITHOUT_CAPABILITIES, *ACCOUNT, str(pid), "--duration", "1s", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    assert sum(found["serving"][state] for state in STATES) == pytest.approx(1)
    return found


def test_account_command_needs_no_privileges_to_see_waits_for_the_gil() -> None:
    with program("four compute", NEWEST, *WITHOUT_CAPABILITIES) as pid:
        found: dict[str, Any] = {}

        def waits() -> bool:
            found.update(reported(pid))
            return bool(found["serving"]["gil_wait"] > 0)

        assert until(waits), found
    assert found["serving"]["threads"] == pytest.approx(4)
    assert len(found["threads"]) == 5


def test_account_command_sees_that_a_server_of_another_project_is_idle() -> None:
    code = "from http.server import *; s = ThreadingHTTPServer(('127.0.0.1', 0), None); print(flush=True)\n"
    command = [*WITHOUT_CAPABILITIES, str(INTERPRETERS[NEWEST].program), "-c", f"{code}s.serve_forever()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            found = reported(process.pid)
        finally:
            process.kill()
    assert found["serving"]["idle"] > 0
    assert not any(found["serving"][state] for state in ("gil_wait", "lock_wait", "blocked", "client_wait"))
    assert list(found["threads"]) == [str(process.pid)]


def test_account_command_shows_a_row_for_each_role(capsys: pytest.CaptureFixture[str]) -> None:
    with program("four compute", NEWEST) as pid:
        assert command_line.main(["account", str(pid), "--duration", "1s"]) == 0
        assert account_to_dict(watch(pid, 1.0))["roles"][WORKER]["threads"] == pytest.approx(4)
    printed = capsys.readouterr().out
    assert "GIL" in printed
    assert "worker" in printed
    assert "samples in" in printed


def test_account_refuses_a_process_that_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    with pytest.raises(GilbenchError, match="still running"):
        watch(process.pid, 0.1)


# Servers.


@contextlib.contextmanager
def serving(model: str, workload: str, interpreter: str) -> Iterator[Server]:
    server = Server(INTERPRETERS[interpreter], model, workload)
    server.ready()
    try:
        yield server
    finally:
        server.stop()


def under_load(server: Server, clients: int) -> Account:
    """Return the account of a server under load from some clients."""
    with contextlib.closing(Sampler(server.pid, frozenset({server.port}))) as sampling:
        edges: list[usage.Usage] = []

        def on_begin() -> None:
            edges.append(usage.read(server.pid))
            sampling.begin()

        def on_end() -> None:
            sampling.end()
            edges.append(usage.read(server.pid))

        load = Load(host="127.0.0.1", port=server.port, connections=clients, duration_s=WINDOW_S)
        run(load, on_begin=on_begin, on_end=on_end)
        return accounted(sampling.sample_idle(), edges[1].cpu_s - edges[0].cpu_s)


@contextlib.contextmanager
def silent(server: Server, clients: int) -> Iterator[None]:
    """Connect clients that send no requests."""
    with contextlib.ExitStack() as open_:
        for _ in range(clients):
            open_.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        yield


def comes_to(server: Server, holds: Callable[[Account], bool]) -> bool:
    """Return whether the account of a short window comes to meet a condition; windows without samples are ignored."""

    def seen() -> bool:
        with contextlib.suppress(GilbenchError):
            return holds(watch(server.pid, 0.1))
        return False

    return until(seen)


@under_each
def test_account_sees_a_handler_that_sleeps_wait_by_itself(name: str) -> None:
    with serving("threaded", "io", name) as server:
        found = under_load(server, 2)
    assert {role.name for role in found.roles} == {MAIN, WORKER}
    assert found.serving.shares["blocked"] > 0


def test_account_sees_an_event_loop_idle_while_coroutines_wait() -> None:
    with serving("asyncio", "io", NEWEST) as server:
        (loop,) = under_load(server, 4).roles
    assert loop.name == LOOP
    assert loop.shares["idle"] > 0


@pytest.mark.parametrize("name", [NEWEST, *without_gil()[:1]])
def test_account_sees_a_pool_without_work_idle_and_in_no_lock(name: str) -> None:
    def idle(found: Account) -> bool:
        (pool,) = (role for role in found.roles if role.name == POOL)
        return pool.shares["lock_wait"] == 0 and pool.shares["idle"] > 0

    with serving("asyncio-threads", "io", name) as server:
        found = under_load(server, 1)
        assert {role.name for role in found.roles} == {LOOP, POOL}
        assert comes_to(server, idle)


def test_account_counts_clients_that_wait_for_a_worker() -> None:
    def counted(found: Account) -> bool:
        return found.waiting == 3 and found.serving.shares["client_wait"] == pytest.approx(1)

    with serving("serial", "echo", NEWEST) as server, silent(server, 4):
        assert comes_to(server, counted)


def test_account_sees_workers_wait_for_their_clients() -> None:
    def waiting(found: Account) -> bool:
        worker = next((role for role in found.roles if role.name == WORKER), None)
        return worker is not None and worker.threads == pytest.approx(2) and worker.shares["client_wait"] > 0.99

    with serving("threaded", "echo", NEWEST) as server, silent(server, 2):
        assert comes_to(server, waiting)


def test_sampler_follows_processes_that_come_and_go() -> None:
    cell = Cell("multiprocess", "io", 4, NEWEST)
    with serving("multiprocess", "io", NEWEST) as server:
        measured = measure(cell, server, window_s=WINDOW_S, warmup_s=0.1, requests_per_connection=10)
    accounting, states = measured.thread_accounting, measured.thread_states
    assert accounting.unknown is None
    assert accounting.estimated
    assert accounting.roles[WORKER]["threads"] > 0
    assert states.blocked is not None
    assert states.blocked > 0
    assert sum(getattr(states, name) for name in states.__slots__) == pytest.approx(1, abs=1e-6)


def test_watch_records_what_the_system_does_not_report_as_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.threads.sampler.is_supported", lambda: False)
    with Watch(1, frozenset()) as watching:
        watching.begin()
        watching.end()
        states, accounting = watching.result(1.0)
    assert all(getattr(states, name) is None for name in states.__slots__)
    assert accounting.unknown is not None
    assert "kind of machine" in accounting.unknown


def test_descriptors_know_a_socket_by_what_it_is() -> None:
    with serving("serial", "echo", NEWEST) as server:
        (listener,) = listeners(server.pid, frozenset({server.port}))
        with contextlib.closing(Descriptors(server.pid, frozenset({server.port}))) as descriptors:
            assert descriptors.kind(listener) is Descriptor.LISTENER
            assert descriptors.kind(0) is descriptors.kind(2) is descriptors.kind(999) is Descriptor.OTHER
            assert descriptors.backlog(listener) == 0
            assert descriptors.backlog(2) is None
            with silent(server, 3):
                assert until(lambda: descriptors.backlog(listener) == 2)
                fds = [int(fd.name) for fd in Path(f"/proc/{server.pid}/fd").iterdir()]
                assert until(lambda: [descriptors.kind(fd) for fd in fds].count(Descriptor.CLIENT) == 1)


def test_thread_reads_its_time_on_a_cpu_before_that_in_the_queue() -> None:
    with contextlib.closing(Tree(os.getpid(), frozenset())) as tree:
        before_ns = time.thread_time_ns()
        on_cpu_ns, *_ = tree.threads[threading.get_native_id()].scheduled()
        after_ns = time.thread_time_ns()
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    assert before_ns - 2 * tick_ns <= on_cpu_ns <= after_ns, "the kernel counts a running thread tick by tick"
