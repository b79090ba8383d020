"""The open loop: its exact schedule, and its counts against servers of known behaviour."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loadgen import Load, LoadResult, run
from loadgen.engine import client_state, schedule, stage_table
from loadgen.engine.stage_table import table
from loadgen.engine.workspace import GAPS_INTENDED, GAPS_SENT, LATENESS, Workspace, allocate
from loadgen.limits import MIN_RPS
from loadgen.stages import Stage
from loadgen.validation.checks import warnings
from loadgen.validation.responder import responder
from tests.support.compiled import callable_part
from tests.support.examples import ANY_SPEED
from tests.support.load import histogram, run_all, run_until
from tests.support.tcp import REPLY, one_thread
from tests.support.until import LIMIT_S

MS = 1_000_000
when_ns = callable_part(stage_table.when_ns)
note_sending, rest = callable_part(schedule.note_sending), callable_part(schedule.rest)
longest_idle, leave = callable_part(schedule.longest_idle), callable_part(schedule.leave)
is_counted = callable_part(schedule.is_counted)


def loading(port: int, **changes: Any) -> Load:
    """Return a load in an open loop that counts no request as late, however slow the machine."""
    load: dict[str, Any] = {"connections": 16, "rate_rps": 1000.0, "duration_s": 0.5, "late_s": 60.0, "timeout_s": 3600}
    return Load(host="127.0.0.1", port=port, **(load | changes))


def scheduled(port: int, **changes: Any) -> LoadResult:
    return run(loading(port, **changes))


def intended_ns(result: LoadResult) -> list[int]:
    """Return the intended time of each traced request, relative to the first."""
    times_ns = sorted(one.since_ns for one in result.trace)
    return [time_ns - times_ns[0] for time_ns in times_ns]


# The schedule.

rates = st.just(0.0) | st.floats(MIN_RPS, 1e5)
stages = st.lists(st.builds(Stage, rates, rates, st.floats(0.01, 100)), min_size=1, max_size=5)


@ANY_SPEED
@given(stages, st.floats(0, 1))
def test_when_ns_inverts_the_number_of_requests_by_a_time(planned: list[Stage], place: float) -> None:
    number = place * 0.999 * sum(stage.requests for stage in planned)
    assume(number > 0)
    after_ns = when_ns(table(planned), number)
    assert after_ns >= 0
    before, left_s = 0.0, after_ns / 1e9
    for stage in planned:
        inside_s = min(left_s, stage.duration_s)
        slope = (stage.to_rps - stage.from_rps) / stage.duration_s
        before += stage.from_rps * inside_s + slope * inside_s**2 / 2
        left_s -= inside_s
    # Times are truncated to whole nanoseconds, and 1 ns at a rate of 1e5 is a ten-thousandth of a request.
    assert before == pytest.approx(number, rel=1e-6, abs=1e-3)


def test_when_ns_ends_with_the_last_stage() -> None:
    planned = table([Stage(100, 100, 1.0), Stage(0, 0, 1.0), Stage(0, 200, 1.0)])
    assert [when_ns(planned, n) for n in (0.0, 50.0, 99.0)] == [0, 500_000_000, 990_000_000]
    assert when_ns(planned, 100.0) == 2_000_000_000
    assert when_ns(planned, 150.0) == pytest.approx(2.707e9, rel=1e-3)
    assert when_ns(planned, 200.0) == -1


def sending(late_ns: int = 10 * MS) -> Workspace:
    """Return a workspace of an open loop whose window began at 1 s."""
    w = allocate(4)
    w.settings["open_loop"], w.settings["late_ns"] = 1, late_ns
    w.counters["measuring"], w.counters["began_ns"] = 1, 1000 * MS
    return w


@pytest.mark.parametrize(
    ("intended_ms", "idle_ms", "now_ms", "late"),
    [
        (1100, 0, 1110, False),
        (1100, 0, 1111, True),
        (1100, 1105, 1115, False),  # no connection was free until 1105: the server's fault
        (1100, 1105, 1116, True),
        (1100, 1050, 1111, True),
        (999, 0, 1500, False),  # intended before the window
    ],
)
def test_schedule_counts_as_late_what_the_generator_delays(
    intended_ms: int, idle_ms: int, now_ms: int, late: bool
) -> None:
    w = sending()
    assert note_sending(w, intended_ms * MS, idle_ms * MS, now_ms * MS) is late
    assert w.counters[0]["late_sends"] == late
    counted = intended_ms >= 1000
    assert w.extremes[LATENESS]["sum"] == counted * (now_ms - intended_ms) * MS
    assert w.times[LATENESS].sum() == counted


def test_schedule_notes_gaps_as_intended_and_as_sent() -> None:
    w = sending()
    for intended_ms, now_ms in ((1100, 1100), (1110, 1125), (1140, 1142)):
        note_sending(w, intended_ms * MS, 0, now_ms * MS)
    found = [(w.extremes[row]["min"] // MS, w.extremes[row]["max"] // MS) for row in (GAPS_INTENDED, GAPS_SENT)]
    assert found == [(10, 30), (17, 25)]
    assert w.extremes[LATENESS]["sum"] == 17 * MS


def take_longest_idle(w: Workspace) -> int:
    index = longest_idle(w, client_state.IDLE)
    if index >= 0:
        leave(w)
    return int(index)


@pytest.mark.parametrize(
    ("counters", "counted"),
    [
        # The engine notices only later that the window has begun: what is wanted in it belongs to it.
        ({"measuring": 0}, [False, True, True]),
        ({}, [False, True, True]),
        ({"measuring": 0, "over": 1}, [False, True, True]),  # what is in flight is waited for
        ({"measuring": 0, "over": 1, "closed": 1}, [False, False, False]),
        ({"began_ns": 0}, [False, False, False]),  # connecting
    ],
)
def test_schedule_counts_what_is_wanted_in_the_window(counters: dict[str, int], counted: list[bool]) -> None:
    w = sending()
    for name, value in counters.items():
        w.counters[name] = value
    assert [bool(is_counted(w, since_ms * MS)) for since_ms in (999, 1000, 1001)] == counted


def test_schedule_takes_the_connection_that_has_been_idle_longest() -> None:
    w = sending()
    w.connections["state"] = client_state.IDLE
    for index in (2, 0, 3, 0):  # the last is queued already
        rest(w, index, index)
    w.connections[0]["state"] = client_state.PAUSED  # the server has closed it meanwhile
    assert [take_longest_idle(w) for _ in range(3)] == [2, 3, -1]
    for index in (1, 0, 2, 3):
        w.connections[index]["state"] = client_state.IDLE
        rest(w, index, index)
    assert [take_longest_idle(w) for _ in range(5)] == [1, 0, 2, 3, -1]


# The engine keeps the schedule.


@pytest.mark.parametrize("threads", [1, 2])
def test_engine_sends_every_scheduled_request(threads: int) -> None:
    with responder(b"hello\n", REPLY) as port:
        result = run_all(loading(port, threads=threads, rate_rps=None), 500, 1000.0)
    assert (result.requests, result.unfinished, result.errors) == (500, 0, {})
    assert result.connected == 16
    assert len(result.engines) == threads
    assert result.latency.total == result.service.total == result.lateness.total == 500
    # The latency includes the wait before a request was sent.
    assert result.latency.sum_ns == result.service.sum_ns + result.lateness.sum_ns


def test_run_counts_what_is_left_in_the_schedule() -> None:
    with responder(b"hello\n", REPLY) as port:
        result = scheduled(port, rate_rps=20_000.0, duration_s=0.05, warmup_s=0.02)
    assert result.requests + result.unfinished + result.failed == 1000


def test_engine_keeps_the_times_of_the_stages() -> None:
    planned = (Stage(200, 200, 0.25), Stage(0, 0, 0.1), Stage(0, 2000, 0.2), Stage(0, 0, LIMIT_S))
    with responder(b"hello\n", REPLY) as port:
        load = loading(port, rate_rps=None, stages=planned, trace=1000)
        result = run_until(load, lambda requests, _: requests >= 250)
    assert intended_ns(result) == [when_ns(table(planned), float(number)) for number in range(250)]
    assert load.window_s == pytest.approx(0.55 + LIMIT_S)
    assert load.intended_rps == pytest.approx(250 / load.window_s)


def drawn_ns(seed: int, rate_rps: float, number: int) -> npt.NDArray[np.int64]:
    """Return the intended times of Poisson arrivals, from the random number generator that the engine uses."""
    generator = np.random.RandomState(seed * 257)
    places = np.cumsum(generator.exponential(size=number))
    planned = table([Stage(rate_rps, rate_rps, 2 * number / rate_rps)])
    return np.array([when_ns(planned, place) for place in places])


@pytest.mark.parametrize("seed", [5, 6])
def test_engine_draws_poisson_arrivals_from_the_seed_alone(seed: int) -> None:
    with responder(b"hello\n", REPLY) as port:
        load = loading(port, arrivals="poisson", rate_rps=2000.0, duration_s=LIMIT_S, seed=seed, trace=2000)
        result = run_until(load, lambda requests, _: requests >= 1000)
    expected = drawn_ns(seed, 2000.0, 20_000)
    gaps_ns = np.diff(expected)[: result.gaps_intended.total].tolist()
    assert result.gaps_intended.total >= 999
    assert np.array_equal(result.gaps_intended.counts, histogram(gaps_ns).counts)
    assert result.gaps_intended.sum_ns == sum(gaps_ns)
    assert set(intended_ns(result)) <= set((expected - expected[0]).tolist())


# Servers that are too slow.


def test_run_leaves_requests_waiting_for_a_server_that_is_too_slow() -> None:
    with one_thread(lambda: time.sleep(0.01)) as port:  # 100/s at most
        result = scheduled(port, rate_rps=400, connections=4)
    assert (result.requests + result.unfinished, result.errors) == (200, {})
    assert result.requests <= result.wall_s / 0.01 + 1 + 4
    # One of the first ``requests`` + 1 requests has no answer.
    assert result.oldest_unfinished_s >= result.wall_s - result.requests / 400 - 1e-6
    assert "connections_limit" in [warning["code"] for warning in warnings(result)]


def test_run_reports_requests_without_an_answer_as_unfinished() -> None:
    with one_thread(reply=b"") as port:
        result = scheduled(port, rate_rps=100, duration_s=0.2, connections=4)
    assert (result.requests, result.unfinished, result.errors) == (0, 20, {})
    assert result.oldest_unfinished_s == pytest.approx(0.2, abs=1e-6)
    assert result.littles_law_residual == pytest.approx(0, abs=1e-6)


def test_engine_counts_every_time_out_as_a_lower_bound() -> None:
    with one_thread(reply=b"") as port:
        load = loading(port, rate_rps=None, connections=20, timeout_s=0.05)
        result = run_all(load, 20, 200.0)
    assert (result.errors, result.unfinished) == ({"reply_timeout": 20}, 0)
    assert result.censored == result.latency.total == 20
    assert result.censored_from_ns == result.latency.min_ns
    assert result.latency.min_ns is not None
    assert result.latency.min_ns >= 0.05e9
    assert result.is_lower_bound(result.latency.percentile_ns(50))


def test_engine_keeps_littles_law_in_service() -> None:
    with one_thread(lambda: time.sleep(0.002)) as port:
        result = run_all(loading(port, rate_rps=None), 40, 400.0)
    assert result.littles_law_residual == pytest.approx(0, abs=1e-6)
    assert result.served_ns == result.service.sum_ns >= 40 * 2e6


# Intervals.


def test_intervals_add_up_to_the_result() -> None:
    with responder(b"hello\n", REPLY) as port:
        load = loading(port, rate_rps=1000.0, duration_s=LIMIT_S)
        result = run_until(load, lambda requests, _: requests >= 200, interval_s=0.1)
    seen = list(result.intervals)
    assert sum(one.requests for one in seen) == result.requests >= 200
    assert sum(one.seconds for one in seen) == pytest.approx(result.wall_s, abs=1e-6)
    assert all(one.seconds >= 0.1 - 1e-6 for one in seen[:-1])
    assert [one.at_s for one in seen] == pytest.approx([sum(b.seconds for b in seen[:i]) for i in range(len(seen))])
    total = seen[0].latency.decompress()
    for one in seen[1:]:
        total = total.merge(one.latency.decompress())
    assert np.array_equal(total.counts, result.latency.counts)
    assert (total.sum_ns, total.min_ns, total.max_ns) == (
        result.latency.sum_ns,
        result.latency.min_ns,
        result.latency.max_ns,
    )
