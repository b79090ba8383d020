"""What counts as a server that fell behind: arithmetic on made results."""

from __future__ import annotations

from typing import Any

import pytest

from loadgen import Load, LoadResult
from loadgen.capacity import BEHIND_ABOVE
from loadgen.cli.summary import rate, wording
from loadgen.validation.checks import warnings
from tests.support.load import histogram, made_result

MS = 1_000_000


def scheduled(rate_rps: float, service_ms: float, **changes: Any) -> LoadResult:
    """Return a result of an open loop over 3 s, of which the requests in flight are not among the answered."""
    load = Load(
        host="127.0.0.1",
        port=1,
        connections=changes.pop("connections", 1000),
        drain_s=changes.pop("drain_s", 0.0),
        rate_rps=rate_rps,
        duration_s=3.0,
    )
    left = changes.get("unfinished", 0)
    requests = round(rate_rps * 3) - left
    times = histogram([round(service_ms * MS)] * requests)
    fields = {"load": load, "wall_s": 3.0, "requests": requests, "latency": times, "service": times}
    fields |= {"unfinished": 0, "connected": load.connections, "mean_in_service": None}
    return made_result(**(fields | changes))


def codes(result: LoadResult) -> set[str]:
    return {one["code"] for one in warnings(result)} & {"unfinished", "connections_limit"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        # 50/s, each reply after 0.2 s: 10 are always in flight, also if the window began with none.
        ({"unfinished": 10, "in_flight_after": 10}, set()),
        ({"unfinished": 10, "in_flight_after": 10, "in_flight_before": 10}, set()),
        ({"unfinished": 18, "in_flight_after": 18}, set()),  # within chance: 10, give or take 3 times its root
        ({"unfinished": 24, "in_flight_after": 24}, {"unfinished"}),
        ({"unfinished": 24, "in_flight_after": 24, "in_flight_before": 24}, set()),  # as many as at the beginning
        # Drained: nothing may be left.
        ({"drain_s": 5.0, "unfinished": 0, "in_flight_after": 10}, set()),
        ({"drain_s": 5.0, "unfinished": 3, "in_flight_after": 10}, {"unfinished"}),
        # Never sent: every connection was busy.
        ({"unfinished": 30, "due": 30, "connections": 1}, {"connections_limit"}),
        ({"unfinished": 54, "due": 30, "in_flight_after": 24}, {"unfinished", "connections_limit"}),
        # The server was away: that is said, and not that connections were too few.
        ({"unfinished": 30, "due": 30, "connect_errors": {"refused": 9}}, set()),
    ],
)
def test_backlog_tells_a_server_that_fell_behind(changes: dict[str, Any], found: set[str]) -> None:
    assert codes(scheduled(50.0, 200.0, **changes)) == found


def test_backlog_finds_a_server_whose_queue_grows() -> None:
    # 105/s of a server that does 100/s, in a queue of its own: after 3 s 15 wait, each longer than the one before.
    result = scheduled(105.0, 75.0, unfinished=15, in_flight_after=15)
    assert codes(result) == set()  # by chance it could
    assert codes(scheduled(1050.0, 75.0, unfinished=150, in_flight_after=150)) == {"unfinished"}
    assert BEHIND_ABOVE <= 0.01


def test_warnings_say_which_of_the_three_it_was() -> None:
    behind, waiting = (
        scheduled(50.0, 200.0, unfinished=24, in_flight_after=24, oldest_sent_s=0.9),
        scheduled(50.0, 200.0, unfinished=30, due=30, oldest_unfinished_s=0.6, connections=1),
    )
    said = [" ".join(map(wording, warnings(one))) for one in (behind, waiting)]
    assert "the server fell behind: 24 requests were in flight at the end, the oldest for 0.9 s" in said[0]
    assert "all 1 connections were busy: 30 requests (20.0%) waited for one at the end, the oldest for 0.6 s" in said[1]


@pytest.mark.parametrize(
    ("per_s", "shown"),
    [(3.12, "3.12"), (3.0, "3"), (315.25, "315.2"), (1234.5, "1,234"), (0.05, "0.05"), (1e-5, "0.00001"), (0, "0")],
)
def test_rate_shows_the_digits_that_tell_bounds_apart(per_s: float, shown: str) -> None:
    assert rate(per_s) == shown
