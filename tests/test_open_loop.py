"""The open loop, against servers and schedules whose answers are known."""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loadgen import Load, LoadResult, run
from loadgen.belief import warnings
from loadgen.histogram import highest_in_bucket
from loadgen.interval import Interval
from loadgen.load import MIN_RPS
from loadgen.responder import responder
from loadgen.stages import Stage, table, when_ns

pytestmark = pytest.mark.quiet

REPLY = b"Yes, yes\n"


@contextlib.contextmanager
def one_thread(  # noqa: C901 - a whole server
    before_reply: Callable[[], None] = lambda: None, reply: bytes = REPLY, backlog: int = 512
) -> Iterator[int]:
    """Serve all connections from one thread, each request after ``before_reply``; give the port."""
    stop, stopped = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener, selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(stopped, selectors.EVENT_READ)

        def serve() -> None:
            while True:
                for key, _ in selector.select():
                    if key.fileobj is stopped:
                        return
                    if key.fileobj is listener:
                        selector.register(listener.accept()[0], selectors.EVENT_READ)
                        continue
                    answer(key.fileobj)

        def answer(connection: Any) -> None:
            with contextlib.suppress(OSError):
                if connection.recv(1024):
                    before_reply()
                    if reply:
                        connection.sendall(reply)
                    return
            selector.unregister(connection)
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.send(b"x")
            thread.join()
            for key in list(selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket) and key.fileobj not in {listener, stopped}:
                    key.fileobj.close()
            stop.close()
            stopped.close()


def scheduled(port: int, **changes: Any) -> LoadResult:
    load: dict[str, Any] = {"connections": 16, "rate_rps": 1000.0, "duration_s": 0.5, "warmup_s": 0.1, "late_s": 1.0}
    return run(Load(host="127.0.0.1", port=port, **(load | changes)))


# The schedule.

rates = st.just(0.0) | st.floats(MIN_RPS, 1e5)
stages = st.lists(st.builds(Stage, rates, rates, st.floats(0.01, 100)), min_size=1, max_size=5)


@given(stages, st.floats(0, 1))
def test_when_is_the_inverse_of_how_many(planned: list[Stage], place: float) -> None:
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
    # The time is cut to whole nanoseconds, in which a rate of 1e5 makes a ten-thousandth of a request.
    assert before == pytest.approx(number, rel=1e-6, abs=1e-3)


def test_a_schedule_ends() -> None:
    planned = table([Stage(100, 100, 1.0), Stage(0, 0, 1.0), Stage(0, 200, 1.0)])
    assert [when_ns(planned, n) for n in (0.0, 50.0, 99.0)] == [0, 500_000_000, 990_000_000]
    assert when_ns(planned, 100.0) == 2_000_000_000
    assert when_ns(planned, 150.0) == pytest.approx(2.707e9, rel=1e-3)
    assert when_ns(planned, 200.0) == -1


@pytest.mark.parametrize("threads", [1, 2])
def test_every_scheduled_request_is_accounted_for(threads: int) -> None:
    with responder(b"hello\n", REPLY) as port:
        result = scheduled(port, threads=threads)
    assert result.requests + result.unfinished + result.failed == 500
    assert result.answered > 480
    assert result.connected == 16
    assert len(result.engines) == threads
    assert result.latency.total == result.service.total == result.requests


def test_stages_change_the_rate() -> None:
    with responder(b"hello\n", REPLY) as port:
        result = scheduled(port, rate_rps=None, stages=(Stage(200, 200, 0.5), Stage(0, 2000, 0.4)))
    assert result.answered + result.unfinished == 100 + 400
    assert result.load.window_s == pytest.approx(0.9)
    assert result.load.intended_rps == pytest.approx(500 / 0.9)


def test_poisson_arrivals_are_exponential() -> None:
    with responder(b"hello\n", REPLY) as port:
        one, other, third = (scheduled(port, arrivals="poisson", rate_rps=5000, seed=seed) for seed in (5, 5, 6))
    gaps = one.gaps_intended
    # The seed decides, not the clock, but for the very last that may not have been sent any more.
    assert abs(gaps.counts - other.gaps_intended.counts).sum() < 10
    assert abs(gaps.counts - third.gaps_intended.counts).sum() > 1000
    filled = np.flatnonzero(gaps.counts)
    found = np.cumsum(gaps.counts[filled]) / gaps.total
    expected = [1 - math.exp(-5000 * highest_in_bucket(int(bucket)) / 1e9) for bucket in filled]
    assert gaps.total > 2000
    assert max(abs(found - expected)) < 1.63 / math.sqrt(gaps.total)  # Kolmogorov and Smirnov, at 1%


# Known answers.


def test_a_server_that_is_asked_too_much_leaves_them_waiting() -> None:
    with one_thread(lambda: time.sleep(0.01)) as port:  # at most 100/s
        result = scheduled(port, rate_rps=400, duration_s=1.0, connections=4, warmup_s=0.0)
    assert result.answered + result.unfinished == 400
    assert 40 <= result.answered <= 101
    assert result.oldest_unfinished_s == pytest.approx(1 - result.answered / 400, abs=0.2)
    assert "unfinished" in [warning["code"] for warning in warnings(result)]
    assert set(result.errors) <= {"late"}


def test_requests_nobody_answers_are_unfinished_not_lost() -> None:
    with one_thread(reply=b"") as port:
        result = scheduled(port, rate_rps=100, duration_s=0.5, connections=4, warmup_s=0.0)
    assert (result.requests, result.unfinished, result.errors) == (0, 50, {})
    assert result.oldest_unfinished_s == pytest.approx(0.5, abs=0.02)


def test_a_time_out_is_a_lower_bound() -> None:
    with one_thread(reply=b"") as port:
        result = scheduled(port, rate_rps=100, duration_s=0.5, connections=50, warmup_s=0.0, timeout_s=0.1)
    assert result.errors["reply_timeout"] == result.censored == result.latency.total
    assert result.errors["reply_timeout"] + result.unfinished == 50
    assert result.is_lower_bound(result.latency.percentile_ns(50))


def test_littles_law_holds_in_service() -> None:
    with one_thread(lambda: time.sleep(0.002)) as port:
        result = scheduled(port, rate_rps=200, arrivals="poisson", duration_s=1.0)
    assert result.littles_law_residual == pytest.approx(0, abs=0.01)
    assert result.mean_in_service is not None
    assert result.mean_in_service > 0.3


def test_intervals_add_up() -> None:
    seen: list[Interval] = []
    with responder(b"hello\n", REPLY) as port:
        load = Load(host="127.0.0.1", port=port, connections=4, rate_rps=2000, duration_s=1.0)
        result = run(load, on_interval=seen.append, interval_s=0.2)
    assert list(result.intervals) == seen
    assert 5 <= len(seen) <= 6
    assert sum(one.requests for one in seen) == result.requests
    assert sum(one.seconds for one in seen) == pytest.approx(result.wall_s, abs=1e-6)
    total = seen[0].latency.full()
    for one in seen[1:]:
        total = total.merge(one.latency.full())
    assert np.array_equal(total.counts, result.latency.counts)
    assert total.sum_ns == result.latency.sum_ns


def test_results_merge() -> None:
    with responder(b"hello\n", REPLY) as port:
        one, two = (scheduled(port, duration_s=0.2, rate_rps=rate) for rate in (500, 1000))
    both = one.merge(two)
    assert both.requests == one.requests + two.requests
    assert both.latency.total == both.requests
    assert both.latency.sum_ns == one.latency.sum_ns + two.latency.sum_ns
    assert len(both.engines) == 2
