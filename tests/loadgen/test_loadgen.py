"""The load engine in a closed loop, against small servers in this process that do exactly what a test needs.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.

A load ends when a condition holds, not after a time, so that the assertions hold on a machine of any speed.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import itertools
import math
import resource
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadgen import GilbenchError, Load, LoadResult, run
from loadgen.engine import client_state, closing, error_kinds
from loadgen.engine.closing import PAUSE_AFTER_ERROR_NS
from loadgen.engine.error_kinds import ERRORS
from loadgen.engine.transport import plain as carry
from loadgen.engine.workspace import LATENCY, SERVICE, Workspace, allocate, to_array
from loadgen.host.addresses import family, resolve
from loadgen.protocols import PROTOCOLS
from loadgen.protocols.parser import MORE, NUMBERS, PARSER_WORDS, WRONG
from loadgen.result import EngineUse
from loadgen.validation.checks import warnings
from tests.support.compiled import callable_part
from tests.support.load import histogram, made_result, run_until
from tests.support.reference import reference_server
from tests.support.tcp import closed_port, full_listener
from tests.support.until import LIMIT_S, until, when

REPLIES = {"line": b"Yes, yes\n", "seed": b"Yes, yes"}
REPLY = REPLIES["line"]
FAULTS = 5
LONG_S = 3600.0


@dataclass
class Conversation:
    """One connection as the server sees it.

    Attributes:
        number: 0 for the first connection accepted.
        heard: the lines received, including ``Q``.
        answered_s: time at which each reply was sent.
    """

    number: int
    socket: socket.socket
    heard: list[bytes] = field(default_factory=list)
    answered: int = 0
    answered_s: list[float] = field(default_factory=list)

    def requests(self) -> Iterator[bytes]:
        held = b""
        while data := self.socket.recv(1024):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                self.heard.append(line)
                if line != b"Q":
                    yield line

    def answer(self) -> None:
        self.answered_s.append(time.monotonic())
        self.socket.sendall(REPLY)
        self.answered += 1

    def end_with(self, last: bytes) -> None:
        """Send these bytes and the end of the stream in one segment."""
        self.socket.send(last, socket.MSG_MORE)
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


Behaviour = Callable[[Conversation], None]


class Server:
    """A server that serves each client in a thread and keeps the conversations."""

    def __init__(
        self,
        converse: Behaviour,
        *,
        host: str = "127.0.0.1",
        listener: socket.socket | None = None,
        accepting: threading.Event | None = None,
    ) -> None:
        self.conversations: list[Conversation] = []
        self._converse = converse
        self._accept_when = accepting
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = listener or socket.create_server((host, 0), family=family, backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Server:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._accept_when:
            self._accept_when.set()
        with contextlib.suppress(OSError):  # it is not listening
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for conversation in self.conversations:
            with contextlib.suppress(OSError):
                conversation.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    @property
    def answered(self) -> int:
        return sum(conversation.answered for conversation in self.conversations)

    @property
    def open(self) -> int:
        return sum(thread.is_alive() for thread in self._threads)

    def _accept(self) -> None:
        if self._accept_when:
            self._accept_when.wait()
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                conversation = Conversation(len(self.conversations), accepted)
                self.conversations.append(conversation)
                thread = threading.Thread(target=self._serve, args=(conversation,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, conversation: Conversation) -> None:
        with conversation.socket, contextlib.suppress(OSError):
            self._converse(conversation)


def polite(conversation: Conversation) -> None:
    for _ in conversation.requests():
        conversation.answer()


def silent(conversation: Conversation) -> None:
    for _ in conversation.requests():
        pass


def saying(reply: bytes) -> Behaviour:
    def converse(conversation: Conversation) -> None:
        for _ in conversation.requests():
            conversation.socket.sendall(reply)

    return converse


def at_first(fault: Behaviour, times: int = FAULTS) -> Behaviour:
    """Return a behaviour in which the first conversations have the fault and all others are polite."""
    return lambda conversation: (fault if conversation.number < times else polite)(conversation)


def loading(port: int, /, **changes: Any) -> Load:
    fields: dict[str, Any] = {"host": "127.0.0.1", "port": port, "duration_s": LIMIT_S, "timeout_s": LONG_S}
    return Load(**(fields | changes))


def measure(
    converse: Behaviour, enough: Callable[[Server], object] = lambda server: server.answered >= 50, **changes: Any
) -> tuple[LoadResult, Server]:
    """Put load on a server until the server meets a condition."""
    cancel = threading.Event()
    with Server(converse) as server, when(lambda: enough(server), cancel.set):
        result = run(loading(server.port, **changes), cancel=cancel)
    assert result.cancelled  # otherwise the condition was never met
    return result, server


def codes(result: LoadResult) -> list[str]:
    return [warning["code"] for warning in warnings(result)]


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# Latencies and counts.


def test_run_reports_no_latency_below_the_time_that_a_reply_takes() -> None:
    took_ns: list[int] = []

    def converse(conversation: Conversation) -> None:
        for _ in conversation.requests():
            began_ns = time.perf_counter_ns()
            time.sleep(0.005)
            took_ns.append(time.perf_counter_ns() - began_ns)
            conversation.answer()

    result, _ = measure(converse, lambda server: server.answered >= 8)
    assert result.latency.min_ns is not None
    assert result.latency.min_ns >= min(took_ns) >= 5e6
    assert sum(took_ns[: result.requests]) <= result.latency.sum_ns
    assert np.array_equal(result.service.counts, result.latency.counts)  # in a closed loop they are the same


@pytest.mark.parametrize(("clients", "requests_per_connection"), [(1, None), (8, 3)])
def test_run_counts_every_answer_once(clients: int, requests_per_connection: int | None) -> None:
    result, server = measure(polite, connections=clients, requests_per_connection=requests_per_connection)
    assert result.requests > 20
    # Only the server knows of replies that are in flight when the window ends.
    assert 0 <= server.answered - result.requests <= clients
    assert result.requests == result.latency.total
    assert result.errors == {}
    assert result.unfinished <= clients
    assert result.throughput_rps == result.requests / result.wall_s


@pytest.mark.parametrize(("duration_s", "warmup_s"), [(0.002, 0.0), (0.05, 0.02)])
def test_run_measures_a_window_of_the_length_asked_for(duration_s: float, warmup_s: float) -> None:
    with Server(polite) as server:
        result = run(loading(server.port, duration_s=duration_s, warmup_s=warmup_s))
    assert result.wall_s == pytest.approx(duration_s, abs=1e-6)
    assert not result.cancelled


@pytest.mark.parametrize("requests_per_connection", [None, 3])
def test_engine_keeps_every_client_in_a_request_at_all_times(requests_per_connection: int | None) -> None:
    result, _ = measure(polite, connections=4, requests_per_connection=requests_per_connection, trace=100_000)
    assert sum(one.at_ns - one.since_ns for one in result.trace) == result.latency.sum_ns
    assert len(result.trace) == result.requests
    began_ns = min(one.since_ns for one in result.trace)
    for client in {one.client for one in result.trace}:
        mine = sorted(one for one in result.trace if one.client == client)
        assert mine[0].since_ns == began_ns
        assert [one.since_ns for one in mine[1:]] == [one.at_ns for one in mine[:-1]]
    assert result.littles_law_residual is not None
    assert result.littles_law_residual > -1e-6  # no time is lost


def test_run_leaves_the_warm_up_out() -> None:
    warmup_s = 0.1
    begun, cancel = threading.Event(), threading.Event()
    before_s = time.monotonic()
    with Server(polite) as server, when(lambda: server.answered >= 20 and begun.is_set(), cancel.set):
        result = run(loading(server.port, connections=2, warmup_s=warmup_s), cancel=cancel, on_begin=begun.set)
    sent_s = [at_s for conversation in server.conversations for at_s in conversation.answered_s]
    # Of the replies counted, at most one per connection was sent before the window began.
    assert result.requests <= sum(at_s >= before_s + warmup_s for at_s in sent_s) + 2
    assert result.connect.total == result.connected == 2


# Conversations.


def test_engine_says_good_bye_after_each_conversation() -> None:
    result, server = measure(
        polite, lambda server: len(server.conversations) > 20, connections=4, requests_per_connection=10
    )
    whole = [b"hello"] * 10 + [b"Q"]
    said = [conversation.heard for conversation in server.conversations]
    assert all(heard == whole[: len(heard)] for heard in said)
    assert sum(heard != whole for heard in said) <= 4
    # The window counts connections when they are established, the server when it accepts them.
    assert abs(len(said) - result.connect.total) <= 4


def test_engine_keeps_one_connection_for_each_client_alive() -> None:
    result, server = measure(polite, connections=4)
    assert len(server.conversations) == result.connect.total == 4
    assert all(set(conversation.heard) == {b"hello"} for conversation in server.conversations)


def test_engine_says_good_bye_after_a_single_request() -> None:
    _, server = measure(polite, lambda server: len(server.conversations) > 10, connections=2, requests_per_connection=1)
    assert sum(conversation.heard != [b"hello", b"Q"] for conversation in server.conversations) <= 2


def test_engine_counts_the_wait_for_accept_in_the_latency_only() -> None:
    accepting, cancel = threading.Event(), threading.Event()

    def wait_and_accept() -> None:  # by then the kernel has connected, although the server has accepted nothing
        time.sleep(0.05)
        accepting.set()

    with Server(polite, accepting=accepting) as server, when(lambda: server.answered > 1, cancel.set):
        result = run(loading(server.port), on_begin=wait_and_accept, cancel=cancel)
    assert (result.connected, result.connect.total, result.errors) == (1, 1, {})
    assert result.latency.max_ns is not None
    assert result.latency.max_ns >= 0.05e9


# Replies.


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_exact_knows_a_reply_when_it_is_whole(protocol: str) -> None:
    reply, memory = REPLIES[protocol], to_array(PROTOCOLS[protocol].memory)

    def scan(received: Any, size: int) -> int:
        state, numbers = np.zeros(PARSER_WORDS, np.int64), np.zeros(NUMBERS, np.int64)
        return PROTOCOLS[protocol].parse(state, received, size, memory, numbers)

    for size in range(len(reply)):
        received = np.frombuffer(reply[:size] + b"junk that was never received", np.uint8).copy()
        assert scan(received, size) == MORE
    for more in (b"", b"x"):
        received = np.frombuffer(reply + more, np.uint8).copy()
        assert scan(received, len(received)) == len(reply)
    for place in range(len(reply)):
        damaged = np.frombuffer(reply, np.uint8).copy()
        damaged[place] ^= 1
        assert scan(damaged, place) == MORE
        for size in range(place + 1, len(reply) + 1):
            assert scan(damaged, size) == WRONG


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_engine_accepts_a_reply_in_pieces(protocol: str) -> None:
    reply = REPLIES[protocol]
    pieces = [[reply[:place], reply[place:]] for place in range(1, len(reply))]
    pieces.append([bytes([letter]) for letter in reply])
    heard: list[bytes] = []

    def converse(conversation: Conversation) -> None:
        for in_pieces in pieces:
            heard.append(conversation.socket.recv(1024))
            for piece in in_pieces:
                conversation.socket.sendall(piece)
                time.sleep(0.004)

    result, _ = measure(
        converse, lambda server: len(server.conversations) > 1, protocol=protocol, requests_per_connection=len(pieces)
    )
    assert heard[: len(pieces)] == [PROTOCOLS[protocol].requests[0]] * len(pieces)
    assert result.requests >= len(pieces)
    assert result.errors == {}
    assert result.latency.max_ns is not None
    assert result.latency.max_ns >= (len(reply) - 1) * 4e6  # to the last byte, not to the first


def test_engine_says_q_in_the_seed_protocol_at_the_end_of_a_connection() -> None:
    def converse(conversation: Conversation) -> None:
        while data := conversation.socket.recv(1024):
            conversation.heard.append(data)
            if data == b"hello":
                conversation.socket.sendall(REPLIES["seed"])

    result, server = measure(
        converse, lambda server: len(server.conversations) > 5, protocol="seed", requests_per_connection=3
    )
    assert result.errors == {}
    whole = [b"hello", b"hello", b"hello", b"Q"]
    assert sum(conversation.heard != whole for conversation in server.conversations) <= 1


@pytest.mark.parametrize(
    ("protocol", "reply"),
    [
        ("line", b"No, no\n"),
        ("line", b"yes, yes\n"),
        ("line", b"Yes, yes\r\n"),
        ("line", b"Yes, yes."),
        ("line", b"\n"),
        ("line", b"Yes, yes\n\n"),
        ("line", b"Yes, yes\nYes, yes\n"),
        ("line", b"x" * 100_000),
        ("seed", b"Yes, yes\n"),
        ("seed", b"Yes, yesYes, yes"),
        ("seed", b"Yes; yes"),
    ],
)
def test_engine_counts_a_wrong_reply_as_an_error(protocol: str, reply: bytes) -> None:
    def converse(conversation: Conversation) -> None:
        while conversation.socket.recv(1024):
            wrong = conversation.number < FAULTS
            conversation.socket.sendall(reply if wrong else REPLIES[protocol])
            conversation.answered += not wrong

    result, server = measure(converse, lambda server: server.answered > 1, protocol=protocol)
    assert result.errors == {"wrong_reply": FAULTS}
    assert 0 < result.requests <= server.answered


# Faults.


def closes_in_mid_reply(conversation: Conversation) -> None:
    next(conversation.requests())
    conversation.end_with(b"Yes,")
    conversation.socket.recv(1024)


def closes_unasked(conversation: Conversation) -> None:
    next(conversation.requests())
    conversation.end_with(b"")
    conversation.socket.recv(1024)


def closes_after_a_whole_reply(conversation: Conversation) -> None:
    next(conversation.requests())
    conversation.answered += 1
    conversation.end_with(REPLY)
    conversation.socket.recv(1024)


def resets_when_asked(conversation: Conversation) -> None:
    next(conversation.requests())
    conversation.reset()


def resets_in_mid_reply(conversation: Conversation) -> None:
    next(conversation.requests())
    conversation.socket.sendall(b"Yes,")
    time.sleep(0.002)
    conversation.reset()


def faults_are_over(clients: int, faults: int) -> Callable[[Server], bool]:
    """Return the condition that every fault was noticed and led to a new connection, and all clients have resumed."""

    def holds(server: Server) -> bool:
        later = server.conversations[faults:]
        return len(later) == clients and all(conversation.answered > 1 for conversation in later)

    return holds


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (closes_in_mid_reply, {"closed_early"}),
        (closes_unasked, {"closed_early"}),
        (closes_after_a_whole_reply, {"closed_early", "reset"}),
        (resets_when_asked, {"reset"}),
        (resets_in_mid_reply, {"reset"}),
        (lambda conversation: conversation.reset(), {"reset"}),
        (lambda conversation: conversation.socket.close(), {"closed_early", "reset"}),
    ],
)
@pytest.mark.parametrize("clients", [1, 3])
def test_engine_counts_every_fault_once_and_at_once(fault: Behaviour, kinds: set[str], clients: int) -> None:
    # The time-out is longer than the load, so it cannot be what notices a fault.
    result, server = measure(at_first(fault), faults_are_over(clients, FAULTS), connections=clients)
    assert sum(result.errors.values()) == FAULTS
    assert set(result.errors) <= kinds
    assert 0 <= server.answered - result.requests <= clients
    assert "errors" in codes(result)


def test_engine_notices_a_server_that_speaks_unasked() -> None:
    def greet(conversation: Conversation) -> None:
        conversation.socket.sendall(b"220 at your service\r\n")
        silent(conversation)

    # With 100 clients some are greeted before the engine has sent anything, others after.
    result, _ = measure(at_first(greet, 100), faults_are_over(100, 100), connections=100)
    assert result.errors == {"wrong_reply": 100}


def test_engine_counts_a_time_out_as_a_lower_bound() -> None:
    timeout_s = 0.05
    result, server = measure(silent, lambda server: len(server.conversations) >= 6, connections=2, timeout_s=timeout_s)
    # Every connection ends by a time-out, except the two that are open at the end.
    assert set(result.errors) == {"reply_timeout"}
    assert 0 <= len(server.conversations) - result.errors["reply_timeout"] <= 2
    assert result.requests == 0
    assert result.latency.total == result.service.total == result.censored == result.errors["reply_timeout"]
    assert result.censored_from_ns == result.latency.min_ns
    assert result.latency.min_ns is not None
    assert result.latency.min_ns >= timeout_s * 1e9
    assert result.is_lower_bound(result.latency.percentile_ns(50))


def test_engine_counts_time_outs_among_answers() -> None:
    def half(conversation: Conversation) -> None:
        next(conversation.requests())
        conversation.socket.sendall(b"Yes,")
        conversation.socket.recv(1024)

    result, server = measure(
        at_first(half, 2), lambda server: len(server.conversations) > 2 and server.answered >= 20, timeout_s=0.1
    )
    timeouts = len(server.conversations) - 1  # on a very slow machine, polite conversations may time out too
    assert result.errors == {"reply_timeout": timeouts}
    assert timeouts >= 2
    assert 0 <= server.answered - result.requests <= timeouts
    assert (result.censored, result.latency.total) == (timeouts, result.requests + timeouts)
    assert result.is_lower_bound(result.latency.max_ns)


def test_run_ends_without_waiting_for_an_answer() -> None:
    with Server(silent) as server:
        result = run(loading(server.port, connections=2, duration_s=0.05))
    assert (result.requests, result.errors, result.unfinished) == (0, {}, 2)
    assert result.oldest_unfinished_s == pytest.approx(0.05, abs=1e-6)
    assert result.littles_law_residual == pytest.approx(0, abs=1e-6)
    assert result.straddling_share == pytest.approx(1, abs=1e-6)
    assert codes(result)[0] == "short_window"  # the machine may add its own


def test_engine_tries_a_closed_port_again_after_a_pause() -> None:
    with closed_port() as port:
        result = run_until(loading(port), lambda _, errors: errors["refused"] >= 3)
    assert set(result.errors) == {"refused"}
    assert result.errors["refused"] <= result.wall_s * 1e9 / PAUSE_AFTER_ERROR_NS + 2
    assert (result.requests, result.connect.total, result.unfinished) == (0, 0, 0)


def test_engine_finds_a_server_that_comes_up() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        up, accepting = False, threading.Event()

        def note(_: int, errors: Counter[str]) -> bool:
            nonlocal up
            if errors["refused"] and not up:
                listener.listen()
                accepting.set()
                up = True
            return server.answered > 1

        with Server(polite, listener=listener, accepting=accepting) as server:
            result = run_until(loading(server.port), note)
    assert set(result.errors) == {"refused"}
    assert result.requests > 0


def test_engine_counts_connects_that_time_out() -> None:
    timeout_s = 0.05
    with full_listener() as full:
        result = run_until(loading(full.getsockname()[1], timeout_s=timeout_s), lambda _, errors: errors.total() >= 3)
    assert set(result.errors) == {"connect_timeout"}
    assert 3 <= result.errors["connect_timeout"] <= result.wall_s / timeout_s + 2  # one of them is before the window
    assert (result.connected, result.connect.total) == (0, 0)


def test_engine_counts_an_address_that_cannot_be_reached_as_refused() -> None:
    # The kernel refuses to connect to a broadcast address, without sending anything.
    result = run(loading(9, host="255.255.255.255", duration_s=0.05))
    assert set(result.errors) == {"refused"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.EHOSTUNREACH, "refused"),
        (errno.ECONNRESET, "reset"),
        (errno.ETIMEDOUT, "connect_timeout"),
        (errno.EADDRNOTAVAIL, "no_socket"),
    ],
)
def test_connection_names_the_reason_why_connecting_failed(error: int, kind: str) -> None:
    assert ERRORS[callable_part(closing.error_kind)(error)] == kind


# Counts of one connection, at times that the test chooses.

MS = 1_000_000


def fail(w: Workspace, index: int, kind: int, now_ns: int) -> None:
    callable_part(closing.fail)(w, carry, index, kind, now_ns)


def one_client(**counters: int) -> Workspace:
    """Return a workspace of one client that has wanted to send its request since 100 ms and sent it at 110 ms."""
    w = allocate(1)
    w.connections[0]["state"], w.connections[0]["since_ns"] = client_state.WAITING, 100 * MS
    w.connections[0]["sent_ns"] = 110 * MS
    for name, value in {"started": 1, "measuring": 1, "busy": 1, "busy_since_ns": 110 * MS, **counters}.items():
        w.counters[name] = value
    return w


@pytest.mark.parametrize("kind", range(len(ERRORS)))
def test_connection_counts_a_failure_by_its_kind_and_pauses(kind: int) -> None:
    w = one_client()
    fail(w, 0, kind, 130 * MS)
    assert w.counted[0].tolist() == [0, *(int(number == kind) for number in range(len(ERRORS)))]
    assert (w.connections[0]["state"], w.connections[0]["until_ns"]) == (client_state.PAUSED, 140 * MS)
    timed_out = kind in {error_kinds.REPLY_TIMEOUT, error_kinds.CONNECT_TIMEOUT}
    assert (w.counters[0]["censored"], w.counters[0]["censored_min_ns"]) == ((1, 30 * MS) if timed_out else (0, 0))
    assert w.extremes[LATENCY]["sum"] == (30 * MS if timed_out else 0)
    assert w.extremes[SERVICE]["sum"] == (20 * MS if kind == error_kinds.REPLY_TIMEOUT else 0)
    assert (w.counters[0]["served_ns"], w.counters[0]["busy_ns"], w.counters[0]["busy"]) == (20 * MS, 20 * MS, 0)


def test_connection_counts_no_failure_of_the_warm_up() -> None:
    w = one_client(measuring=0)
    fail(w, 0, error_kinds.RESET, 130 * MS)
    assert not w.counted.any()
    before = one_client(measuring=0, started=0)  # but failures before the load begins count
    fail(before, 0, error_kinds.RESET, 130 * MS)
    assert before.counted[0, 1 + error_kinds.RESET] == 1


def test_connection_counts_the_part_of_a_service_time_within_the_window() -> None:
    w = one_client(served_since_ns=125 * MS)
    fail(w, 0, error_kinds.RESET, 130 * MS)
    assert w.counters[0]["served_ns"] == 5 * MS


# Figures and warnings.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"errors": {"reset": 3}}, [{"code": "errors", "kinds": {"reset": 3}}]),
        ({"requests": 99}, [{"code": "few_requests", "requests": 99}]),
        ({"requests": 100}, []),
        ({"engines": (EngineUse(0.1, 0.81),)}, [{"code": "generator_busy", "utilisation": 0.81}]),
        ({"engines": (EngineUse(0.1, 0.8),)}, []),
        ({"wall_s": 1.05}, [{"code": "littles_law", "residual": -0.0476}]),
        ({"wall_s": 0.95}, [{"code": "littles_law", "residual": 0.0526}]),
        ({"wall_s": 1.015}, []),
        # A client that pauses after an error has nothing in flight.
        ({"wall_s": 1.05, "errors": {"reset": 3}}, [{"code": "errors", "kinds": {"reset": 3}}]),
        ({"age_before_ns": 600_000_000, "age_after_ns": 600_000_000}, [{"code": "short_window", "straddling": 0.6}]),
    ],
)
def test_warnings_names_the_figures_that_spoil_a_result(
    changes: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    assert warnings(made_result(**changes)) == expected


def test_load_result_applies_littles_law_to_both_loops() -> None:
    # Closed: 2 clients spend 1 s each in requests, 2 s in all, less what began before, plus what has not ended.
    shifted = made_result(age_before_ns=100 * MS, age_after_ns=300 * MS)
    assert shifted.littles_law_residual == pytest.approx(0.1)
    assert shifted.straddling_share == pytest.approx(0.2)
    # Open: 1.5 requests are in service on average over 1 s, of which the service times contain 1.2 s.
    scheduled = Load(host="127.0.0.1", port=1, rate_rps=100)
    open_loop = made_result(load=scheduled, mean_in_service=1.5, served_ns=1200 * MS)
    assert open_loop.littles_law_residual == pytest.approx(-0.2)
    assert made_result(load=scheduled).littles_law_residual is None
    assert made_result(wall_s=0.0).littles_law_residual is None


def test_load_result_marks_percentiles_among_time_outs_as_lower_bounds() -> None:
    times = histogram([MS] * 98 + [50 * MS] * 2)
    result = made_result(latency=times, censored=2, censored_from_ns=50 * MS)
    assert [result.is_lower_bound(times.percentile_ns(percent)) for percent in (50, 98, 99)] == [False, False, True]
    assert not made_result().is_lower_bound(10**12)
    assert not result.is_lower_bound(None)


def test_load_result_merges_exactly() -> None:
    one = made_result(errors={"reset": 1}, status_codes={200: 5}, censored=1, censored_from_ns=7, late_sends=2)
    other = made_result(
        latency=histogram([MS, 3 * MS]),
        service=histogram([5]),
        requests=2,
        wall_s=2.0,
        errors={"reset": 2, "late": 3},
        status_codes={200: 1, 503: 1},
        censored=2,
        censored_from_ns=5,
        oldest_unfinished_s=0.5,
        mean_in_service=0.5,
        served_ns=9,
        late_sends=3,
        cancelled=True,
    )
    both = one.merge(other)
    assert (both.requests, both.wall_s, both.unfinished, both.connected) == (1002, 2.0, 4, 4)
    assert both.latency.total == 1002
    assert both.latency.sum_ns == 1000 * 2 * MS + 4 * MS
    assert (both.latency.min_ns, both.latency.max_ns, both.service.sum_ns) == (MS, 3 * MS, 5)
    assert both.errors == {"reset": 3, "late": 3}
    assert both.statuses == {"2xx": 6, "5xx": 1}
    assert (both.censored, both.censored_from_ns, both.late_sends) == (3, 5, 5)
    assert (both.oldest_unfinished_s, both.mean_in_service, both.served_ns) == (0.5, 0.5, 9)
    assert (both.age_before_ns, both.age_after_ns) == (2 * MS, 2 * MS)
    assert len(both.engines) == 2
    assert both.cancelled
    assert one.merge(one).censored_from_ns == 7
    assert not one.merge(one).cancelled


# Edges of the window, and early ends.


def test_run_calls_back_at_both_edges_from_its_own_thread() -> None:
    shown: list[tuple[str, str]] = []
    with Server(polite) as server:

        def tell(edge: str) -> None:
            shown.append((edge, threading.current_thread().name))

        def end() -> None:
            tell("end")
            assert until(lambda: server.open == 3)  # the connections are still open

        run(loading(server.port, connections=3, duration_s=0.05), on_begin=lambda: tell("begin"), on_end=end)
    own = threading.current_thread().name
    assert shown == [("begin", own), ("end", own)]


def engine_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("engine")]


def test_run_ends_when_a_callback_raises() -> None:
    seen: list[str] = []

    def refuse() -> None:
        seen.extend(engine_threads())
        raise LookupError("the caller's own")

    before = open_files()
    with Server(polite) as server:
        with pytest.raises(LookupError, match="the caller's own"):
            run(loading(server.port, duration_s=LONG_S), on_begin=refuse)
        assert seen == ["engine 0"]
        assert engine_threads() == []
    assert open_files() == before


def test_run_keeps_what_was_measured_when_cancelled() -> None:
    result, server = measure(polite, connections=2, duration_s=LONG_S)
    assert result.cancelled
    assert 0 < result.wall_s < LONG_S
    assert 0 <= server.answered - result.requests <= 2
    assert result.requests > 20


def test_run_measures_nothing_when_cancelled_before_the_window() -> None:
    edges: list[str] = []
    cancel = threading.Event()
    with Server(polite) as server, when(lambda: server.answered > 1, cancel.set):
        result = run(
            loading(server.port, warmup_s=LONG_S),
            on_begin=lambda: edges.append("begin"),
            on_end=lambda: edges.append("end"),
            cancel=cancel,
        )
    assert edges == ["begin", "end"]
    assert result.cancelled
    assert (result.wall_s, result.requests, result.latency.total, result.errors) == (0, 0, 0, {})
    assert (result.cpu_s, result.utilisation, result.throughput_rps) == (0, 0, 0)
    assert result.littles_law_residual is None
    assert codes(result) == ["short_window"]


def test_run_ends_on_ctrl_c_and_raises_it_again() -> None:
    before = open_files()
    with Server(polite) as server:
        with when(lambda: server.answered > 1, _thread.interrupt_main), pytest.raises(KeyboardInterrupt):
            run(loading(server.port, duration_s=LONG_S))
        assert engine_threads() == []
    assert open_files() == before


def test_engine_lets_other_threads_run_while_it_spins() -> None:
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1

    edges: list[int] = []
    counting = threading.Thread(target=count)
    with reference_server("asyncio") as port:
        counting.start()
        run_until(
            loading(port, spin_s=0.01),
            lambda requests, _: requests >= 20,
            on_begin=lambda: edges.append(counted),
            on_end=lambda: edges.append(counted),
        )
        done.set()
        counting.join()
    assert edges[1] > edges[0]


# The server's address.


@pytest.mark.parametrize(("listens", "called"), [("127.0.0.1", "localhost"), ("::1", "::1")])
def test_run_finds_servers_by_name_and_by_ipv6(listens: str, called: str) -> None:
    with Server(polite, host=listens) as server:
        result = run_until(
            loading(server.port, host=called, requests_per_connection=5), lambda requests, _: requests >= 10
        )
    assert result.requests >= 10
    assert result.errors == {}


@pytest.mark.parametrize("listens", ["127.0.0.1", "::1"])
def test_libc_chooses_the_address_that_listens(listens: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(_: str, port: int, **__: object) -> list[Any]:
        stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(socket.AF_INET6, *stream, ("::1", port, 0, 0)), (socket.AF_INET, *stream, ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with Server(polite, host=listens) as server:
        result = run_until(loading(server.port, host="localhost"), lambda requests, _: requests >= 10)
    assert result.requests >= 10
    assert result.errors == {}


def test_libc_keeps_the_interface_of_a_link_local_address() -> None:
    (packed,) = resolve("fe80::1%lo", 80, 1.0)
    assert family(packed) == socket.AF_INET6
    assert packed[8:24] == socket.inet_pton(socket.AF_INET6, "fe80::1")
    assert packed[24:] == struct.pack("=I", socket.if_nametoindex("lo"))


@pytest.mark.parametrize("host", ["", "a" * 64 + ".example", ".example", "a\0b"])
def test_run_reports_an_invalid_host_in_one_line(host: str) -> None:
    before = open_files()
    with pytest.raises(GilbenchError, match="cannot find the host") as caught:
        run(loading(1, host=host))
    assert "\n" not in str(caught.value)
    assert open_files() == before


def test_run_reports_an_unknown_host_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(GilbenchError, match=r"'nowhere\.example': Name or service not known"):
        run(loading(1, host="nowhere.example"))


# Values of a ``Load``.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("protocol", "morse"),
        *(("port", value) for value in (-1, 0, 65536)),
        *(("connections", value) for value in (-1, 0, 100_001)),
        *(("duration_s", value) for value in (-1, 0, 86401, math.inf, math.nan)),
        *(("warmup_s", value) for value in (-0.1, 86401, math.inf, math.nan)),
        *(("timeout_s", value) for value in (-1, 0, 3601, math.inf, math.nan)),
        *(("requests_per_connection", value) for value in (-1, 0, 10**9 + 1, 2**63)),
    ],
)
def test_load_refuses_an_invalid_value_in_one_line(name: str, value: object) -> None:
    with pytest.raises(GilbenchError) as caught:
        loading(1, **{name: value})
    assert "\n" not in str(caught.value)


def test_load_accepts_the_least_and_the_greatest_values() -> None:
    least = {"connections": 1, "duration_s": 1e-9, "warmup_s": 0, "timeout_s": 1e-9, "requests_per_connection": 1}
    most = {
        "connections": 100_000,
        "duration_s": 86400,
        "warmup_s": 86400,
        "timeout_s": 3600,
        "requests_per_connection": 10**9,
    }
    for port, values in ((1, least), (65535, most)):
        load = loading(port, **values)
        assert {name: getattr(load, name) for name in values} == values


# Files and sockets.


def test_run_leaves_no_file_open() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with reference_server("asyncio") as port, closed_port() as closed, full_listener() as full:
        loads = [
            loading(port, duration_s=0.02, connections=5),
            loading(port, duration_s=0.02, connections=5, requests_per_connection=2),
            loading(port, duration_s=0.02, connections=5, protocol="seed"),
            loading(closed, duration_s=0.02, connections=5),
            loading(full.getsockname()[1], duration_s=0.03, connections=5, timeout_s=0.001),
        ]
        run(loads[0])
        before = open_files()
        for load in loads * 2:
            run(load)
            run(load, cancel=cancelled)
            with pytest.raises(GilbenchError):
                run(replace(load, host=""))
        assert open_files() == before


@pytest.fixture
def file_limits() -> Iterator[tuple[int, int]]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield limits
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def limit_that_leaves(room: int) -> int:
    """Return the limit under which ``room`` more files can be opened; it bounds descriptors, lowest used first."""
    taken = {int(link.name) for link in Path("/proc/self/fd").iterdir()}
    free = (number for number in itertools.count() if number not in taken)
    return list(itertools.islice(free, room))[-1] + 1


def test_run_raises_the_limit_of_open_files_as_needed(file_limits: tuple[int, int]) -> None:
    with reference_server("asyncio") as port, contextlib.ExitStack() as others:
        for _ in range(60):
            others.enter_context(Path("/dev/null").open("rb"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit_that_leaves(10), file_limits[1]))
        result = run_until(loading(port, connections=20), lambda requests, _: requests >= 20)
    assert result.errors == {}
    assert result.connect.total == 20


def test_run_names_the_remedy_for_too_few_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    with pytest.raises(GilbenchError, match="ulimit") as caught:
        run(loading(1, connections=100))
    assert "\n" not in str(caught.value)


def test_engine_counts_a_socket_that_cannot_be_opened(
    file_limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["loadgen.execution"], "allow_files", lambda _: None)
    with reference_server("asyncio") as port:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit_that_leaves(5), file_limits[1]))
        result = run_until(loading(port, connections=10), lambda requests, _: requests > 0)
    assert set(result.errors) == {"no_socket"}
    assert result.requests > 0
    assert 0 < result.connect.total < 10


def test_run_needs_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(GilbenchError, match="needs Linux"):
        run(loading(1))
