"""Where threads' time goes: the pure parts on recorded lines, the whole against programs that wait as is known."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import __main__ as command_line
from bench.accounting import forbidden, usage, wait_state
from bench.accounting.account import LOOP, MAIN, POOL, STATES, WORKER, Account, account
from bench.accounting.descriptors import Descriptors, doors
from bench.accounting.interpreters import gils
from bench.accounting.sampler import COST_CORES, Doing, Looks, Sampler
from bench.accounting.wait_state import Descriptor, Place, State, classify, in_event_loop, parse
from bench.accounting.watch import Watch
from bench.attach import to_dict, watch
from bench.errors import GilbenchError
from bench.measure import measure
from bench.places import ROOT
from bench.planning.plan import Cell
from bench.server import Server
from loadgen import Load, run
from tests.support.interpreters import chosen

pytestmark = pytest.mark.quiet

TARGETS = chosen()
WAITING = Path(__file__).parent / "support" / "waiting.py"
WINDOW_S = 0.6
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"]
TRIES = 16  # other programs may take the CPUs away from what is measured, for seconds together

WITH_GIL = [name for name, target in TARGETS.items() if not target.build["freethreaded"]]
WITHOUT_GIL = [name for name in TARGETS if name not in WITH_GIL]
by_target = pytest.mark.parametrize("name", chosen())


# A line of /proc becomes a state.


class Known:
    """A process of which everything is known: a GIL, a door, a client, a file."""

    def holds_gil(self, address: int) -> bool:
        return 0x55B2E82FBF28 <= address < 0x55B2E82FBF28 + 0x1000

    def descriptor(self, fd: int) -> Descriptor:
        return {3: Descriptor.DOOR, 6: Descriptor.CLIENT}.get(fd, Descriptor.OTHER)

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
def test_a_line_becomes_a_state(line: bytes, state: State) -> None:
    assert classify(parse(line), Known(), "x86_64") is state


def test_the_same_call_has_another_number_on_another_machine() -> None:
    assert classify(parse(b"98 0x55b2e82fc010 0x89 0x0 0x0 0x0 0x0 0x1 0x2\n"), Known(), "aarch64") is State.GIL
    assert in_event_loop(Place(22, 5, 0), "aarch64")
    assert not in_event_loop(Place(22, 5, 0), "x86_64")
    assert not wait_state.understood("s390x")


@pytest.mark.parametrize("line", [b"", b"\n", b"x y z\n", b"202 0x1\n", b"202 nonsense 0x1 0x2\n"])
def test_what_is_no_such_line_is_an_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(line)


# Samples become shares.

WAITS = st.sampled_from([state for state in State if state is not State.RUNNING])
NS = st.integers(0, 10**9)


@given(
    samples=st.lists(st.tuples(st.integers(0, 19), st.integers(1, 5), st.integers(0, 5)), min_size=1, max_size=200),
    exact=st.dictionaries(st.integers(1, 3), st.tuples(NS, NS), max_size=3),
    cpu_s=st.floats(0, 5),
)
def test_shares_sum_to_one(
    samples: list[tuple[int, int, int]], exact: dict[int, tuple[int, int]], cpu_s: float
) -> None:
    doings: list[Doing] = [(state, None) for state in State]
    found = account(Looks(1, wall_s=1.0, count=20, samples=sorted(samples), doings=doings, exact_ns=exact), cpu_s)
    assert found is not None
    for role in (*found.roles, *found.each.values(), found.serving):
        assert role.threads >= 0
        if role.threads:
            assert sum(role.shares.values()) == pytest.approx(1)
            assert all(share >= 0 for share in role.shares.values())
    assert set(found.serving.shares) == set(STATES)


def looks(*threads: tuple[int, Sequence[Doing]], idle: dict[int, set[Place]] | None = None) -> Looks:
    """Return ten looks at threads that do one thing after another."""
    doings = list(dict.fromkeys(doing for _, each in threads for doing in each))
    samples = [(n, tid, doings.index(each[n % len(each)])) for n in range(10) for tid, each in threads]
    exact = {tid: (0, 0) for tid, _ in threads}
    return Looks(1, 1.0, 10, samples, doings, exact_ns=exact, idle_places=idle or {})


def test_a_wait_at_the_place_of_an_idle_server_is_idle() -> None:
    queue, lock = Place(202, 0x10, 0x20), Place(202, 0x10, 0x30)
    seen = looks((1, [(State.OWN, None)]), (2, [(State.LOCK, queue), (State.LOCK, lock)]), idle={2: {queue}})
    found = account(seen, 0.0)
    assert found is not None
    assert found.each[2].shares["lock_wait"] == pytest.approx(0.5)
    assert found.each[2].shares["idle"] == pytest.approx(0.5)


def test_roles_are_told_by_what_threads_do() -> None:
    busy, events = [(State.CLIENT, None)], [(State.IDLE, Place(232, 5, 0))]
    cases = {
        (MAIN, WORKER): looks((1, [(State.IDLE, None)]), (2, busy)),
        (LOOP, POOL): looks((1, events), (2, busy)),
        (WORKER,): looks((1, busy)),
    }
    for names, seen in cases.items():
        found = account(seen, 0.0)
        assert found is not None
        assert tuple(role.name for role in found.roles) == tuple(sorted(names))
        assert found.serving.threads == pytest.approx(sum(role.threads for role in found.roles if role.name != MAIN))


def test_what_came_and_went_is_estimated_and_fits_the_cpu_time_of_all() -> None:
    seen = looks((1, [(State.IDLE, None)]), (2, [(State.RUNNING, None), (State.OWN, Place(230, 0, 0))]))
    del seen.exact_ns[2]
    found = account(seen, 0.4)
    assert found is not None
    assert found.estimated
    (worker,) = (role for role in found.roles if role.name == WORKER)
    assert worker.threads == pytest.approx(1.0)
    assert worker.shares["cpu"] == pytest.approx(0.4)
    assert worker.shares["run_queue"] == pytest.approx(0.1)
    assert worker.shares["own_wait"] == pytest.approx(0.5)


def test_nothing_seen_is_no_account() -> None:
    assert account(Looks(1), 1.0) is None


@pytest.mark.parametrize(
    ("scope", "says"), [("1", "by its parent only"), ("0", "is not yours"), (None, "is not yours")]
)
def test_who_may_look_at_a_process_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str | None, says: str
) -> None:
    yama = tmp_path / "ptrace_scope"
    if scope is not None:
        yama.write_text(f"{scope}\n")
    monkeypatch.setattr(forbidden, "_YAMA", yama)
    assert says in forbidden.forbidden(os.getpid())


# Known answers.


@contextlib.contextmanager
def program(name: str, target: str, *prefix: str) -> Iterator[int]:
    with started(name, target, *prefix) as process:
        yield process.pid


@contextlib.contextmanager
def started(name: str, target: str, *prefix: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [*prefix, str(TARGETS[target].executable), str(WAITING), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def off(name: str, target: str, **known: tuple[float, float]) -> dict[str, float]:
    """Return which shares of a program's threads are not within so much of what is known, in each of several tries."""
    found: dict[str, float] = {}
    with program(name, target) as pid:
        for _ in range(TRIES):
            told = watch(pid, WINDOW_S)
            assert told.cost_cores < 2 * COST_CORES
            found = told.serving.shares
            if all(found[state] == pytest.approx(value, abs=within) for state, (value, within) in known.items()):
                return {}
    return {state: found[state] for state in known}


@pytest.mark.parametrize("target", WITH_GIL)
def test_four_that_compute_wait_for_the_gil(target: str) -> None:
    assert not off("four compute", target, cpu=(0.25, 0.02), run_queue=(0.04, 0.04), gil_wait=(0.71, 0.04))


@pytest.mark.parametrize("target", [name for name in WITH_GIL if name in chosen()])
def test_two_that_compute_take_turns(target: str) -> None:
    assert not off("two compute", target, cpu=(0.5, 0.03), gil_wait=(0.48, 0.05))


@pytest.mark.parametrize("target", WITHOUT_GIL)
def test_four_that_compute_without_a_gil_wait_for_cpus(target: str) -> None:
    assert not off(
        "four compute", target, cpu=(0.5, 0.05), run_queue=(0.5, 0.05), gil_wait=(0, 0.001), lock_wait=(0, 0.01)
    )


@by_target
def test_four_that_sleep_under_one_lock_wait_for_it(name: str) -> None:
    assert not off("four under one lock", name, lock_wait=(0.75, 0.03), own_wait=(0.25, 0.03), gil_wait=(0, 0.01))


@by_target
def test_contended_threads_measure_the_same_wait_themselves(name: str) -> None:
    tried = []
    with started("three hash under one lock", name) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(TRIES):
            own = []
            for seconds in (0.0, WINDOW_S):
                found = watch(process.pid, seconds).serving.shares if seconds else {}
                process.stdin.write(b"\n")
                process.stdin.flush()
                own.append(float(process.stdout.readline()))
            tried.append((own[-1], found["lock_wait"]))
            if found["lock_wait"] == pytest.approx(own[-1], abs=0.05):
                assert own[-1] > 0.5
                return
    pytest.fail(f"own measure of the wait, and the account's: {tried}")


@by_target
def test_one_alone_waits_for_nobody(name: str) -> None:
    assert not off("one computes", name, cpu=(1, 0.15), gil_wait=(0, 0.02), lock_wait=(0, 0.02))


@pytest.mark.parametrize("target", [name for name in WITH_GIL if name in chosen()])
def test_c_that_holds_the_gil_is_told_from_c_that_does_not(target: str) -> None:
    assert not off("C that holds the GIL", target, gil_wait=(0.5, 0.06), own_wait=(0.5, 0.06))
    assert not off("C that releases the GIL", target, gil_wait=(0, 0.02), own_wait=(1, 0.04))


@pytest.mark.parametrize("target", [name for name in WITH_GIL if TARGETS[name].release >= (3, 14)])
def test_each_interpreter_has_a_gil_of_its_own(target: str) -> None:
    with program("two interpreters", target) as pid:
        assert len(gils(pid)) == 3
    assert not off("two interpreters", target, gil_wait=(0.35, 0.06), lock_wait=(0, 0.02))


def told_by_the_interpreter(python: str, pid: int, to: Path) -> float:
    """Return the share of the threads' time in which CPython's own profiler saw them wait for the GIL."""
    profile = [python, "-m", "profiling.sampling", "attach", "-a", "-d", "1", "--gecko", "-o", str(to)]
    subprocess.run([*profile, str(pid)], check=True, capture_output=True)
    profiled = json.loads(to.read_bytes())
    names = profiled["shared"]["stringArray"]
    waited_ms = [
        sum(
            end - begin
            for name, begin, end in zip(markers["name"], markers["startTime"], markers["endTime"], strict=True)
            if names[name] == "Waiting for GIL"
        )
        for markers in (thread["markers"] for thread in profiled["threads"] if not thread["isMainThread"])
    ]
    return float(sum(waited_ms)) / len(waited_ms) / 1000


@pytest.mark.parametrize("load", ["two compute", "four compute", "C that holds the GIL"])
@pytest.mark.parametrize("target", [name for name in WITH_GIL if TARGETS[name].release >= (3, 15)])
def test_the_interpreters_own_profiler_sees_the_same(target: str, load: str, tmp_path: Path) -> None:
    witness, ours = 0.0, 0.0
    with program(load, target) as pid:
        for _ in range(TRIES):
            witness = told_by_the_interpreter(str(TARGETS[target].executable), pid, tmp_path / "profile.json")
            ours = watch(pid, WINDOW_S).serving.shares["gil_wait"]
            if ours == pytest.approx(witness, abs=0.05):
                break
    assert witness > 0.4
    assert ours == pytest.approx(witness, abs=0.05)


def test_an_unprivileged_observer_sees_the_same() -> None:
    with program("four compute", WITH_GIL[0], *WITHOUT_CAPABILITIES) as pid:
        for _ in range(TRIES):
            command = [*WITHOUT_CAPABILITIES, sys.executable, "-m", "bench", "account", str(pid), "--duration", "0.6s"]
            done = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, check=True)
            waited = json.loads(done.stdout)["serving"]["gil_wait"]
            if waited == pytest.approx(0.71, abs=0.04):
                break
    assert waited == pytest.approx(0.71, abs=0.04)


# Servers.


def of_server(model: str, workload: str, clients: int, target: str, conversation: int | None = None) -> Account:
    server = Server(TARGETS[target], model, workload)
    server.ready()
    try:
        with contextlib.closing(Sampler(server.pid, frozenset({server.port}))) as sampler:
            load = Load(
                host="127.0.0.1", port=server.port, connections=clients, duration_s=WINDOW_S, conversation=conversation
            )
            edges: list[usage.Usage] = []

            def on_begin() -> None:
                edges.append(usage.read(server.pid))
                sampler.begin()

            def on_end() -> None:
                sampler.end()
                edges.append(usage.read(server.pid))

            run(load, on_begin=on_begin, on_end=on_end)
            found = account(sampler.without_load(), edges[1].cpu_s - edges[0].cpu_s)
    finally:
        server.stop()
    assert found is not None
    return found


@by_target
def test_a_handler_that_sleeps_waits_by_itself(name: str) -> None:
    for _ in range(TRIES):
        serving = of_server("threaded", "io", 2, name).serving.shares
        busy = 1 - serving["idle"] - serving["client_wait"]
        if serving["own_wait"] >= 0.9 * busy:
            break
    assert serving["own_wait"] >= 0.9 * busy


@pytest.mark.parametrize("target", [name for name in WITH_GIL if TARGETS[name].release == (3, 13)])
def test_two_clients_that_make_two_threads_compute_wait_for_each_other(target: str) -> None:
    """Half of the time computes the one, half of it the other; who waits does so for the GIL, or for its client."""
    for _ in range(TRIES):
        serving = of_server("threaded", "cpu", 2, target).serving.shares
        waits = serving["gil_wait"] + serving["client_wait"]
        if serving["gil_wait"] > 0.25 and waits == pytest.approx(0.48, abs=0.05):
            break
    assert serving["gil_wait"] > 0.25
    assert waits == pytest.approx(0.48, abs=0.05)
    assert serving["lock_wait"] < 0.02


def test_coroutines_that_wait_leave_the_loop_idle() -> None:
    found = of_server("asyncio", "io", 4, WITH_GIL[0])
    (loop,) = found.roles
    assert loop.name == LOOP
    assert loop.shares["idle"] > 0.5


@pytest.mark.parametrize("name", [WITH_GIL[0], *WITHOUT_GIL[:1]])
def test_a_pool_without_work_is_idle_and_in_no_lock(name: str) -> None:
    found = of_server("asyncio-threads", "io", 1, name)  # one request at a time, so that all but one are idle
    pool = next(role for role in found.roles if role.name == POOL)
    assert pool.shares["lock_wait"] < 0.02
    assert found.serving.threads == pytest.approx(1 + pool.threads)


def test_clients_that_wait_for_a_worker_are_counted() -> None:
    found = of_server("serial", "io", 4, WITH_GIL[0], conversation=10)
    assert found.waiting == pytest.approx(3, abs=0.3)
    assert found.serving.shares["own_wait"] > 0.8


def test_processes_that_come_and_go_are_followed() -> None:
    server = Server(TARGETS[WITH_GIL[0]], "multiprocess", "io")
    server.ready()
    try:
        measured = measure(
            Cell("multiprocess", "io", 4, WITH_GIL[0]), server, window_s=1.0, warmup_s=0.1, conversation=10
        )
    finally:
        server.stop()
    told, split = measured.accounts, measured.split
    assert told.unknown is None
    assert told.estimated
    assert told.roles[WORKER]["threads"] == pytest.approx(4, abs=1)
    assert split.own_wait is not None
    assert split.own_wait > 0.7
    assert sum(getattr(split, name) for name in split.__slots__) == pytest.approx(1, abs=1e-6)


def test_what_the_system_does_not_tell_is_unknown_and_not_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.accounting.sampler.understood", lambda: False)
    with Watch(1, frozenset()) as told:
        told.begin()
        told.end()
        split, accounts = told.told(1.0)
    assert all(getattr(split, name) is None for name in split.__slots__)
    assert accounts.unknown is not None
    assert "kind of machine" in accounts.unknown


def test_a_socket_is_known_by_what_it_is() -> None:
    server = Server(TARGETS[WITH_GIL[0]], "serial", "echo")
    server.ready()
    try:
        (door,) = doors(server.pid, frozenset({server.port}))
        with contextlib.closing(Descriptors(server.pid, frozenset({server.port}))) as descriptors:
            assert descriptors.kind(door) is Descriptor.DOOR
            assert descriptors.kind(0) is descriptors.kind(2) is descriptors.kind(999) is Descriptor.OTHER
            assert descriptors.backlog(door) == 0
            assert descriptors.backlog(2) is None
    finally:
        server.stop()


# By pid.


def test_a_strangers_server_without_any_privilege(tmp_path: Path) -> None:
    stranger = "from http.server import *; ThreadingHTTPServer(('127.0.0.1', 0), None).serve_forever()"
    with subprocess.Popen([*WITHOUT_CAPABILITIES, str(TARGETS[WITH_GIL[0]].executable), "-c", stranger]) as process:
        try:
            time.sleep(0.5)
            command = [
                *WITHOUT_CAPABILITIES,
                sys.executable,
                "-m",
                "bench",
                "account",
                str(process.pid),
                "--duration",
                "0.3s",
                "--json",
            ]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        finally:
            process.kill()
    told = json.loads(done.stdout)
    assert told["serving"]["idle"] == pytest.approx(1, abs=0.02)
    assert list(told["threads"]) == [str(process.pid)]


def test_the_table_shows_each_role(capsys: pytest.CaptureFixture[str]) -> None:
    with program("four compute", WITH_GIL[0]) as pid:
        assert command_line.main(["account", str(pid), "--duration", "0.3s"]) == 0
        assert to_dict(watch(pid, 0.2))["roles"][WORKER]["threads"] == pytest.approx(4)
    printed = capsys.readouterr().out
    assert "GIL" in printed
    assert "worker" in printed
    assert "looks in" in printed


def test_a_process_that_is_not_there_is_an_error() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    with pytest.raises(GilbenchError, match="still running"):
        watch(process.pid, 0.1)
