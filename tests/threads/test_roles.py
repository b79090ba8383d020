"""Which threads of a server serve: made samples, and the threads of servers that are not gilbench's."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from bench.cli import commands as command_line
from bench.threads.account import STATES, Account, account
from bench.threads.roles import BYSTANDER, HELPER, LOOP, MAIN, POOL, WORKER, serving
from bench.threads.sampler import Sampler, Samples, StateAndPlace
from bench.threads.wait_state import Place, State
from tests.support.until import until

RUNNING: StateAndPlace = (State.RUNNING, None)
GIL: StateAndPlace = (State.GIL, None)
QUEUE, LOCK, TIMER = Place(202, 1, 0x10), Place(202, 1, 0x20), Place(7, 1, 0x30)
EVENTS: StateAndPlace = (State.IDLE, Place(232, 5, 0))

WAITS = """
import queue, threading
for _ in range(3):
    threading.Thread(target=queue.SimpleQueue().get, daemon=True).start()
print(flush=True)
while True:
    pass
"""


Threads = dict[int, tuple[float, Sequence[StateAndPlace]]]


def made(threads: Threads, count: int = 12) -> Samples:
    """Return samples, over one second, of threads with a CPU time each, that cycle through the given states."""
    doings = list(dict.fromkeys(doing for _, each in threads.values() for doing in each))
    rows = [(n, tid, doings.index(each[n % len(each)])) for n in range(count) for tid, (_, each) in threads.items()]
    exact_ns = {tid: (int(cpu_s * 1e9), 0) for tid, (cpu_s, _) in threads.items()}
    return Samples(1, 1.0, count, rows, doings, exact_ns, process_of=dict.fromkeys(threads, 1))


def accounted(seen: Samples) -> Account:
    found = account(seen, sum(cpu_ns for cpu_ns, _ in seen.exact_ns.values()) / 1e9)
    assert found is not None
    return found


def threads_by_role(found: Account) -> dict[str, Any]:
    return {role.name: pytest.approx(role.threads) for role in found.roles}


def test_account_leaves_threads_that_never_ran_out_of_the_shares_of_the_serving() -> None:
    seen = made({1: (0.9, [RUNNING, EVENTS]), **{tid: (0.0, [(State.LOCK, QUEUE)]) for tid in (2, 3, 4, 5)}})
    seen.still = {2, 3, 4, 5}
    found = accounted(seen)
    assert threads_by_role(found) == {LOOP: 1, BYSTANDER: 4}
    assert found.serving.threads == pytest.approx(1)
    assert found.serving.shares == pytest.approx(dict.fromkeys(STATES, 0.0) | {"cpu": 0.9, "idle": 0.1})


def test_account_of_a_server_in_which_nothing_ran_is_that_of_all_threads() -> None:
    seen = made({1: (0.0, [EVENTS]), 2: (0.0, [EVENTS])})
    seen.still = {1, 2}
    found = accounted(seen)
    assert found.serving.shares["idle"] == pytest.approx(1)
    assert threads_by_role(found) == {LOOP: 2}


def test_account_calls_a_thread_a_helper_that_hardly_runs_and_waits_where_it_does_without_load() -> None:
    ticks: Sequence[StateAndPlace] = [(State.OWN, TIMER)]
    busy: Threads = {1: (0.0, [(State.OWN, LOCK)]), 2: (0.5, [RUNNING, GIL]), 3: (0.4, [RUNNING, GIL])}
    seen = made({**busy, 4: (0.001, ticks)})
    seen.idle_places = {4: {TIMER}}
    found = accounted(seen)
    assert threads_by_role(found) == {MAIN: 1, WORKER: 2, HELPER: 1}
    assert found.serving.threads == pytest.approx(2)


def test_account_calls_no_thread_a_helper_that_works_or_waits_elsewhere_or_was_never_seen_without_load() -> None:
    cases: list[tuple[list[StateAndPlace], float, dict[int, set[Place]]]] = [
        ([(State.OWN, TIMER)], 0.2, {4: {TIMER}}),
        ([(State.OWN, TIMER), (State.LOCK, LOCK)], 0.001, {4: {TIMER}}),
        ([(State.OWN, TIMER)], 0.001, {}),
    ]
    for waits, used_s, places in cases:
        seen = made({1: (0.0, [(State.OWN, LOCK)]), 2: (0.5, [RUNNING, GIL]), 4: (used_s, waits)})
        seen.idle_places = places
        assert threads_by_role(accounted(seen)) == {MAIN: 1, WORKER: 2}


def test_account_calls_a_thread_a_helper_that_waits_for_the_gil_when_it_wakes() -> None:
    for times, role in ((49, WORKER), (99, HELPER)):
        woken: Sequence[StateAndPlace] = [(State.OWN, TIMER)] * times + [GIL] * 2
        seen = made({1: (0.0, [(State.OWN, LOCK)]), 2: (0.5, [RUNNING, GIL]), 4: (0.001, woken)}, count=times + 2)
        seen.idle_places = {4: {TIMER}}
        assert accounted(seen).each[4].name == role


def test_account_keeps_pool_threads_that_each_have_little_to_do() -> None:
    idle: Sequence[StateAndPlace] = [(State.LOCK, QUEUE)]
    seen = made({1: (0.2, [RUNNING, EVENTS]), **dict.fromkeys(range(2, 202), (0.004, idle))})
    seen.idle_places = {tid: {QUEUE} for tid in range(2, 202)}
    assert threads_by_role(accounted(seen)) == {LOOP: 1, POOL: 200}


def test_account_leaves_the_kernels_own_threads_out() -> None:
    seen = made({1: (0.5, [RUNNING, EVENTS]), 2: (1.0, [RUNNING])})  # a poller of io_uring runs all of the time
    seen.of_the_kernel = {2}
    found = accounted(seen)
    assert threads_by_role(found) == {LOOP: 1, HELPER: 1}
    assert found.serving.shares["cpu"] == pytest.approx(0.5)


def test_serving_takes_every_role_where_none_is_known_to_serve() -> None:
    assert serving([MAIN, WORKER, LOOP, HELPER]) == {WORKER, LOOP}
    assert serving([MAIN, BYSTANDER]) == {MAIN, BYSTANDER}
    assert serving([]) == frozenset()


def test_samples_without_a_process_have_none_of_its_threads() -> None:
    seen = made({1: (0.5, [RUNNING]), 2: (0.0, [(State.LOCK, QUEUE)])})
    seen = dataclasses.replace(seen, process_of={1: 1, 2: 9}, still={2}, of_the_kernel={2})
    left = seen.without([9])
    assert (left.still, left.of_the_kernel, set(left.exact_ns)) == (set(), set(), {1})


def test_sampler_finds_the_threads_that_never_ran() -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            with contextlib.closing(Sampler(process.pid, frozenset())) as sampler:
                assert until(lambda: sampler.learn_quiet(0.1) > 0)  # it computes, so that it is not quiet
                asleep = sampler.sample_idle().idle_places.keys() - {process.pid}
                assert len(asleep) == 3
            with contextlib.closing(Sampler(process.pid, frozenset())) as sampler:
                sampler.begin()
                assert until(lambda: sampler.cut().still == asleep)
        finally:
            process.kill()


def test_account_refuses_to_learn_from_a_server_with_load(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.live.account.QUIET_CORES", 0.0)  # a busy machine leaves it little
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            assert command_line.main(["account", str(process.pid), "--quiet-first", "0.5s", "--duration", "0.1s"]) == 1
        finally:
            process.kill()
    assert "was not quiet" in capsys.readouterr().err
