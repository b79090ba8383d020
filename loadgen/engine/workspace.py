"""All that compiled code reads and writes: one workspace for each engine thread, allocated once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import typeof

from loadgen.engine import histogram, libc
from loadgen.engine.error_kinds import ERRORS
from loadgen.engine.stages import STAGE, Stage, table
from loadgen.protocols.parser import NUMBERS, PARSER_WORDS

BUFFER_BYTES = 65536
SIDES = 2  # of what is counted by interval: the engine fills one while the other is read

CONNECTION = np.dtype(
    [
        ("fd", np.int32),
        ("state", np.int32),
        ("left", np.int64),  # requests left in the conversation; below 0: keep-alive
        ("request", np.int64),  # which of the payload's requests is under way
        ("sent", np.int64),  # bytes of it
        ("since_ns", np.int64),  # the reply is wanted since: latency counts from here
        ("sent_ns", np.int64),  # sending began: service time counts from here
        ("connect_ns", np.int64),  # connecting since
        ("idle_ns", np.int64),  # open loop: without a request since
        ("until_ns", np.int64),  # end of the pause, or of patience
        ("owed", np.int64),  # open loop: a request was taken from the schedule and is not answered
        ("late", np.int64),  # open loop: it was sent late by the generator's fault
        ("tried", np.int64),  # it has been established, or has failed to be, once
        ("queued", np.int64),  # open loop: its number is in the queue of the idle
        ("idle", np.int64),  # that queue: a ring that runs through all connections' places
    ],
    align=True,
)

SETTINGS = np.dtype(
    [
        ("epoll", np.int32),
        ("timer", np.int32),
        ("family", np.int32),
        ("open_loop", np.int32),
        ("poisson", np.int32),
        ("random_order", np.int32),
        ("timeout_ns", np.int64),
        ("connect_timeout_ns", np.int64),
        ("connect_gap_ns", np.int64),  # between the first connects
        ("requests_per_connection", np.int64),
        ("warmup_ns", np.int64),
        ("duration_ns", np.int64),
        ("overrun_ns", np.int64),  # closed loop: the load stays on for so long after the window, unless cancelled
        ("late_ns", np.int64),  # a send later than this by the generator's fault is late
        ("spin_ns", np.int64),  # looked for events so long before sleeping
        ("seed", np.int64),
        ("first", np.float64),  # number of this engine's first request in the schedule
        ("step", np.float64),  # and from each to the next: how many engines there are
    ],
    align=True,
)

COUNTERS = np.dtype(
    [
        ("cancel", np.int64),  # set from outside: end now
        ("answered", np.int64),  # requests answered rightly since the load began, in the window or not
        ("active_buffer", np.int64),  # set from outside: count here from now on
        ("current_buffer", np.int64),
        ("go", np.int64),  # set from outside: every engine has its connections
        ("tried", np.int64),  # connections that have been established, or have failed to be, once
        ("ready", np.int64),  # all have
        ("connected", np.int64),  # those that were established at once
        ("started", np.int64),  # the clients may ask
        ("measuring", np.int64),  # the window has begun and has not ended
        ("over", np.int64),  # it has ended
        ("began_ns", np.int64),
        ("ended_ns", np.int64),
        ("waited_ns", np.int64),  # in epoll_wait()
        ("armed_ns", np.int64),  # what the timer is set to
        ("heard_ns", np.int64),  # when events came last
        ("cpu_ns", np.int64),
        ("cpu_began_ns", np.int64),
        ("unfinished", np.int64),
        ("oldest_ns", np.int64),  # age of the oldest of those
        ("age_before_ns", np.int64),  # sum of the ages of what was in flight when the window began
        ("age_after_ns", np.int64),  # and when it ended
        ("late_sends", np.int64),
        ("statuses", np.int64, (6,)),  # replies by class, 1xx to 5xx at 1 to 5
        ("censored", np.int64),  # requests that timed out
        ("censored_min_ns", np.int64),
        ("busy", np.int64),  # requests sent and not answered
        ("busy_since_ns", np.int64),  # that many since
        ("busy_ns", np.int64),  # integral of their number over the window
        ("served_ns", np.int64),  # sum of the parts of their service times that lie in the window
        ("arrived", np.float64),  # open loop: place in the schedule
        ("next_ns", np.int64),  # open loop: when the next request is intended
        ("schedule_ns", np.int64),  # open loop: when the first stage began
        ("idle_head", np.int64),
        ("idle_count", np.int64),
        ("request", np.int64),  # next of the payload
        ("previous_ns", np.int64),  # intended time of the request sent last
        ("previous_sent_ns", np.int64),
        ("traced", np.int64),  # requests that were noted down one by one
    ],
    align=True,
)


class Workspace(NamedTuple):
    """What one engine thread works on; few arrays, since compiled functions are handed each of them.

    Attributes:
        settings: SETTINGS[1].
        counters: TALLY[2]: as it is now, and as it was when the window ended.
        connections: CONNECTION[n].
        parsers: what each connection's parser keeps, int64[n, PARSER_WORDS].
        stages: STAGE[m].
        payload: the bytes of all requests, one behind the other, then what is said before a connection is closed, then
            the server's ``struct sockaddr``, uint8[:].
        starts: where each of those begins, and where the last ends, int64[:].
        memory: the protocol's own, uint8[:]; begins as the protocol's constants.
        numbers: the protocol's own, int64[NUMBERS].
        buffer: what was received, uint8[BUFFER_BYTES].
        counted: int64[SIDES, 1 + len(ERRORS)]: requests answered rightly, then those that failed, by kind.
        times: histograms, int64[len(ROWS), BUCKETS]; rows as in :data:`ROWS`.
        extremes: of each, EXTREMES[len(ROWS)].
        events: filled by the kernel, and in the last place one for it to read, libc.EVENT[EVENTS_AT_ONCE + 1].
        scratch: int64[4], for clocks, timers and socket options.
        trace: the first requests of the window, one by one: client, wanted since, answered at, int64[:, 3].
    """

    settings: Any
    counters: Any
    connections: Any
    parsers: Any
    stages: Any
    payload: Any
    starts: Any
    memory: Any
    numbers: Any
    buffer: Any
    counted: Any
    times: Any
    extremes: Any
    events: Any
    scratch: Any
    trace: Any


ROWS = ("latency", "latency", "service", "service", "connect", "lateness", "gaps_intended", "gaps_sent")
"""What each histogram is of; latency and service time have one for each side."""

LATENCY, _, SERVICE, _, CONNECT, LATENESS, GAPS_INTENDED, GAPS_SENT = range(len(ROWS))

EVENTS_AT_ONCE = 512


def allocate(
    connections: int,
    *,
    requests: Sequence[bytes] = (b"?",),
    quit_with: bytes = b"",
    address: bytes = b"",
    stages: Sequence[Stage] = (),
    memory: bytes = b"",
    numbers: Sequence[int] = (),
    trace: int = 0,
) -> Workspace:
    """Return a workspace for so many connections, its settings all 0, with room for a ``trace`` of so many requests."""
    clients = np.zeros(connections, CONNECTION)
    clients["fd"] = -1
    texts = (*requests, quit_with, address)
    own = np.zeros(NUMBERS, np.int64)
    own[: len(numbers)] = numbers
    return Workspace(
        settings=np.zeros(1, SETTINGS),
        counters=np.zeros(2, COUNTERS),
        connections=clients,
        parsers=np.zeros((connections, PARSER_WORDS), np.int64),
        stages=table(stages) if stages else np.zeros(1, STAGE),
        payload=to_array(b"".join(texts)),
        starts=np.cumsum([0, *map(len, texts)], dtype=np.int64),
        memory=to_array(memory),
        numbers=own,
        buffer=np.zeros(BUFFER_BYTES, np.uint8),
        counted=np.zeros((SIDES, 1 + len(ERRORS)), np.int64),
        times=np.zeros((len(ROWS), histogram.BUCKETS), np.int64),
        extremes=histogram.empty_extremes(len(ROWS)),
        events=np.zeros(EVENTS_AT_ONCE + 1, libc.EVENT),
        scratch=np.zeros(4, np.int64),
        trace=np.zeros((trace, 3), np.int64),
    )


def to_array(data: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Return bytes as an array that compiled code may write to."""
    return np.frombuffer(data, np.uint8).copy()


WORKSPACE = typeof(allocate(1))  # type: ignore[no-untyped-call]
