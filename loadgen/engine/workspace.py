"""The data that compiled code reads and writes: one workspace for each engine thread, allocated once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import typeof

from loadgen.engine.error_kinds import ERRORS
from loadgen.engine.stage_table import STAGE, table
from loadgen.histograms import histogram
from loadgen.native import libc
from loadgen.protocols.parser import NUMBERS, PARSER_WORDS
from loadgen.stages import Stage

BUFFER_BYTES = 65536
SIDES = 2  # buffers of the counts per interval: the engine fills one while the other is read
STATUSES = 600  # HTTP's are below

CONNECTION = np.dtype(
    [
        ("fd", np.int32),
        ("state", np.int32),
        ("left", np.int64),  # requests left on the connection; below 0: keep-alive
        ("request", np.int64),  # which of the payload's requests is in flight
        ("reused", np.int64),  # the connection was idle once: the server may have closed it meanwhile
        ("served", np.int64),  # the client has had a reply
        ("received", np.int64),  # bytes received of the reply
        ("ended", np.int64),  # the server has ended the stream
        ("again", np.int64),  # the request is sent a second time: the server had closed the connection
        ("channel", np.int64),  # the transport's own
        ("sent", np.int64),  # bytes of it sent so far
        ("since_ns", np.int64),  # when the request was wanted: latency counts from here
        ("sent_ns", np.int64),  # when sending began: service time counts from here
        ("connect_ns", np.int64),  # when connecting began
        ("idle_ns", np.int64),  # open loop: when it became idle
        ("until_ns", np.int64),  # end of the pause or of the time-out
        ("owed", np.int64),  # open loop: a request was taken from the schedule and is not yet answered
        ("late", np.int64),  # open loop: it was sent late through the generator's fault
        ("tried", np.int64),  # it has been established, or has failed, once
        ("queued", np.int64),  # open loop: its number is in the queue of idle connections
        ("idle", np.int64),  # that queue: a ring over the entries of all connections
    ],
    align=True,
)

SETTINGS = np.dtype(
    [
        ("epoll", np.int32),
        ("timer", np.int32),
        ("open_loop", np.int32),
        ("poisson", np.int32),
        ("random_order", np.int32),
        ("may_close", np.int32),  # the protocol lets a server close a connection between two requests
        ("requests", np.int64),  # number of requests in the payload
        ("targets", np.int64),  # number of the server's addresses in it
        ("sources", np.int64),  # number of addresses to connect from
        ("initial", np.int64),  # connections to open before the load begins
        ("context", np.int64),  # the transport's own
        ("timeout_ns", np.int64),
        ("connect_timeout_ns", np.int64),
        ("connect_gap_ns", np.int64),  # between the first connects
        ("tick_ns", np.int64),  # between checks of pauses and time-outs
        ("requests_per_connection", np.int64),
        ("warmup_ns", np.int64),
        ("duration_ns", np.int64),
        ("overrun_ns", np.int64),  # closed loop: how long the load continues after the window, unless cancelled
        ("drain_ns", np.int64),  # how long to wait after the window for what is in flight
        ("think_ns", np.int64),  # closed loop: from a reply to the client's next request
        ("count", np.int64),  # requests after which the window ends; 0: none
        ("late_ns", np.int64),  # a send later than this through the generator's fault is late
        ("spin_ns", np.int64),  # how long to poll for events before sleeping
        ("seed", np.int64),
        ("first", np.float64),  # number of this engine's first request in the schedule
        ("step", np.float64),  # and from each to the next: the number of engines
    ],
    align=True,
)

COUNTERS = np.dtype(
    [
        ("cancel", np.int64),  # set from outside: end now
        ("answered", np.int64),  # requests answered correctly since the load began, in the window or not
        ("active_buffer", np.int64),  # set from outside: count here from now on
        ("current_buffer", np.int64),
        ("go", np.int64),  # set from outside: every engine has its connections
        ("tried", np.int64),  # connections that have been established, or have failed, once
        ("ready", np.int64),  # all connections have
        ("connected", np.int64),  # those established at the first attempt
        ("opened", np.int64),  # connections in use so far
        ("attempts", np.int64),  # to connect
        ("connecting", np.int64),  # being established now
        ("established", np.int64),
        ("opens", np.int64),  # connections established in the window
        ("reconnections", np.int64),  # those that replace one which the server closed between two requests
        ("resumed", np.int64),  # those that resumed a TLS session
        ("handshake_error", np.int64),  # why the last handshake failed
        ("connect_errors", np.int64, (len(ERRORS),)),  # attempts to connect that failed and belong to no request
        ("sent_bytes", np.int64),  # in the window
        ("received_bytes", np.int64),
        ("issued", np.int64),  # requests of the window sent so far
        ("finished", np.int64),  # those answered or failed
        ("finished_ns", np.int64),  # when the last of them was
        ("started", np.int64),  # the clients may send
        ("measuring", np.int64),  # the window has begun and has not ended
        ("over", np.int64),  # it has ended
        ("closed", np.int64),  # nothing counts any more
        ("began_ns", np.int64),
        ("ended_ns", np.int64),
        ("waited_ns", np.int64),  # in epoll_wait()
        ("armed_ns", np.int64),  # what the timer is set to
        ("heard_ns", np.int64),  # when the last events came
        ("cpu_ns", np.int64),
        ("cpu_began_ns", np.int64),
        ("in_flight_before", np.int64),  # requests sent and not yet answered when the window began
        ("unfinished", np.int64),  # requests without an answer when it ended, or after what drain_ns allows
        ("due", np.int64),  # those of them that were never sent
        ("oldest_ns", np.int64),  # age of the oldest of all
        ("oldest_sent_ns", np.int64),  # time since the oldest of those that were sent
        ("age_before_ns", np.int64),  # sum of the ages of what was in flight when the window began
        ("age_after_ns", np.int64),  # and when it ended
        ("late_sends", np.int64),
        ("statuses", np.int64, (STATUSES,)),  # replies by status
        ("censored", np.int64),  # requests that timed out
        ("censored_min_ns", np.int64),
        ("busy", np.int64),  # requests sent and not yet answered
        ("busy_since_ns", np.int64),  # when that number last changed
        ("busy_ns", np.int64),  # integral of their number over the window
        ("served_since_ns", np.int64),  # when the counts of what is in service began
        ("served_ns", np.int64),  # sum of the parts of their service times that lie in the window
        ("arrived", np.float64),  # open loop: place in the schedule
        ("next_ns", np.int64),  # open loop: when the next request is intended
        ("schedule_ns", np.int64),  # open loop: when the first stage began
        ("idle_head", np.int64),
        ("idle_count", np.int64),
        ("request", np.int64),  # the payload's next request
        ("previous_ns", np.int64),  # intended time of the request sent last
        ("previous_sent_ns", np.int64),
        ("traced", np.int64),  # requests recorded individually
    ],
    align=True,
)


class Workspace(NamedTuple):
    """The arrays of one engine thread; few, since compiled functions take each of them as an argument.

    Attributes:
        settings: SETTINGS[1].
        counters: COUNTERS[2]: as they are now, and as they were when the window ended.
        connections: CONNECTION[n].
        parsers: state of each connection's parser, int64[n, PARSER_WORDS].
        stages: STAGE[m].
        payload: the bytes of all requests, one after another, then the bytes sent before a connection is closed, then
            each ``struct sockaddr`` of the server and to connect from, uint8[:].
        parts: where each of those begins, and the kind of a request or the family of an address, int64[:, 2]; a last
            row for where the last ends.
        memory: the protocol's bytes, uint8[:]; begins as the protocol's constants.
        numbers: the protocol's numbers, int64[NUMBERS].
        buffer: received bytes, uint8[BUFFER_BYTES].
        counted: int64[SIDES, 1 + len(ERRORS)]: requests answered correctly, then those that failed, by kind.
        times: histograms, int64[len(ROWS), BUCKETS]; rows as in :data:`ROWS`.
        extremes: of each histogram, EXTREMES[len(ROWS)].
        events: filled by the kernel, and in the last place one for it to read, libc.EVENT[EVENTS_AT_ONCE + 1].
        scratch: int64[4], for clocks, timers and socket options.
        trace: the first requests of the window, one by one: client, when wanted, when answered, int64[:, 3].
    """

    settings: Any
    counters: Any
    connections: Any
    parsers: Any
    stages: Any
    payload: Any
    parts: Any
    memory: Any
    numbers: Any
    buffer: Any
    counted: Any
    times: Any
    extremes: Any
    events: Any
    scratch: Any
    trace: Any


ROWS = ("latency", "latency", "service", "service", "connect", "handshake", "lateness", "gaps_intended", "gaps_sent")
"""What each histogram counts; latency and service time have one for each buffer."""

LATENCY, _, SERVICE, _, CONNECT, HANDSHAKE, LATENESS, GAPS_INTENDED, GAPS_SENT = range(len(ROWS))

EVENTS_AT_ONCE = 512


def allocate(
    connections: int,
    *,
    requests: Sequence[bytes] = (b"?",),
    kinds: Sequence[int] = (),
    quit_with: bytes = b"",
    targets: Sequence[bytes] = (b"",),
    sources: Sequence[bytes] = (),
    stages: Sequence[Stage] = (),
    memory: bytes = b"",
    numbers: Sequence[int] = (),
    trace: int = 0,
) -> Workspace:
    """Return a workspace for ``connections``, its other settings all 0, with room for a trace of ``trace`` requests."""
    clients = np.zeros(connections, CONNECTION)
    clients["fd"] = -1
    texts = (*requests, quit_with, *targets, *sources)
    parts = np.zeros((len(texts) + 1, 2), np.int64)
    parts[1:, 0] = np.cumsum([len(text) for text in texts])
    parts[: len(kinds), 1] = kinds
    parts[len(requests) + 1 : -1, 1] = [int.from_bytes(one[:2], sys.byteorder) for one in (*targets, *sources)]
    settings = np.zeros(1, SETTINGS)
    settings["requests"], settings["targets"], settings["sources"] = len(requests), len(targets), len(sources)
    settings["initial"] = connections
    own = np.zeros(NUMBERS, np.int64)
    own[: len(numbers)] = numbers
    return Workspace(
        settings=settings,
        counters=np.zeros(2, COUNTERS),
        connections=clients,
        parsers=np.zeros((connections, PARSER_WORDS), np.int64),
        stages=table(stages) if stages else np.zeros(1, STAGE),
        payload=to_array(b"".join(texts)),
        parts=parts,
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
