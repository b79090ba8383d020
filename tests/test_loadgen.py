"""The load engine, against small servers whose behaviour, and so the right answer, is known."""

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadgen import GilbenchError, Load, LoadResult, connection, run
from loadgen.belief import warnings
from loadgen.connection import PAUSE_AFTER_ERROR_NS
from loadgen.histogram import BUCKETS, Histogram, bucket_of
from loadgen.libc import address_of
from loadgen.result import EngineUse
from loadgen.wires import WIRES
from loadgen.wires.parser import MORE, NUMBERS, PARSER_WORDS, WRONG
from loadgen.workspace import ERRORS, as_bytes
from tests.support.reference import reference_server

pytestmark = pytest.mark.quiet

ROOT = Path(__file__).parent.parent
REPLIES = {"line": b"Yes, yes\n", "seed": b"Yes, yes"}
REPLY = REPLIES["line"]
FAULTS = 5
A_LOT_S = 30.0


@dataclass
class Conversation:
    """One connection as the server sees it.

    Attributes:
        number: 0 for the first that was accepted.
        heard: the lines received, ``Q`` among them.
    """

    number: int
    socket: socket.socket
    heard: list[bytes] = field(default_factory=list)
    answered: int = 0

    def requests(self) -> Iterator[bytes]:
        held = b""
        while data := self.socket.recv(1024):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                self.heard.append(line)
                if line != b"Q":
                    yield line

    def answer(self) -> None:
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
    """Converses with every client in a thread of its own, and keeps what was said."""

    def __init__(
        self,
        converse: Behaviour,
        *,
        host: str = "127.0.0.1",
        listener: socket.socket | None = None,
        accept_after_s: float = 0.0,
    ) -> None:
        self.conversations: list[Conversation] = []
        self._converse = converse
        self._accept_after_s = accept_after_s
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = listener or socket.create_server((host, 0), family=family, backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Server:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
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
        with contextlib.suppress(OSError):
            while True:
                time.sleep(self._accept_after_s)
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


def taking(service_s: float) -> Behaviour:
    def converse(conversation: Conversation) -> None:
        for _ in conversation.requests():
            time.sleep(service_s)
            conversation.answer()

    return converse


def saying(reply: bytes) -> Behaviour:
    def converse(conversation: Conversation) -> None:
        for _ in conversation.requests():
            conversation.socket.sendall(reply)

    return converse


def at_first(fault: Behaviour, times: int = FAULTS) -> Behaviour:
    """Let so many conversations suffer the fault and be polite in all others."""
    return lambda conversation: (fault if conversation.number < times else polite)(conversation)


def loading(port: int, /, **changes: Any) -> Load:
    fields: dict[str, Any] = {"host": "127.0.0.1", "port": port, "duration_s": 0.2}
    return Load(**(fields | changes))


def measure(converse: Behaviour, **changes: Any) -> tuple[LoadResult, Server]:
    with Server(converse) as server:
        result = run(loading(server.port, **changes))
    return result, server


def codes(result: LoadResult) -> list[str]:
    return [warning["code"] for warning in warnings(result)]


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port that refuses: nobody listens on it, and nobody else can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextlib.contextmanager
def full_listener() -> Iterator[socket.socket]:
    """Yield a listener whose queue is full, so that the kernel drops whatever knocks."""
    with contextlib.ExitStack() as knocking:
        listener = knocking.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with contextlib.suppress(TimeoutError):
            while True:
                client = knocking.enter_context(socket.socket())
                client.settimeout(0.1)
                client.connect(listener.getsockname())
        yield listener


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# Known answers.


def test_a_known_service_time_is_told() -> None:
    took_ns: list[int] = []

    def converse(conversation: Conversation) -> None:
        for _ in conversation.requests():
            began_ns = time.perf_counter_ns()
            time.sleep(0.01)
            took_ns.append(time.perf_counter_ns() - began_ns)
            conversation.answer()

    result, _ = measure(converse, duration_s=0.7)
    known_ns = sorted(took_ns)[len(took_ns) // 2]
    p50_ns = result.latency.percentile_ns(50)
    assert p50_ns is not None
    assert 10e6 <= p50_ns <= known_ns * 1.02 + 2e6
    assert result.latency.min_ns is not None
    assert result.latency.min_ns >= 10e6
    assert result.latency.mean_ns is not None
    assert sum(took_ns[: result.requests]) <= result.latency.sum_ns <= 0.71e9
    assert result.utilisation < 0.5
    assert result.cpu_s < 0.35


def test_percentiles_tell_a_slow_tenth_from_the_rest() -> None:
    def converse(conversation: Conversation) -> None:
        for number, _ in enumerate(conversation.requests()):
            time.sleep(0.06 if number % 10 == 9 else 0.004)
            conversation.answer()

    result, _ = measure(converse, duration_s=1.0)
    times_ns = [result.latency.percentile_ns(percent) for percent in (50, 99)]
    assert None not in times_ns
    p50_ns, p99_ns = (time_ns or 0 for time_ns in times_ns)
    assert 4e6 <= p50_ns < 60e6 <= p99_ns < 200e6


@pytest.mark.parametrize(("clients", "conversation"), [(1, None), (8, None), (8, 3)])
def test_every_answer_is_counted_once(clients: int, conversation: int | None) -> None:
    result, server = measure(polite, connections=clients, conversation=conversation)
    assert result.requests > 20
    # Those on their way when the window ended are the server's alone.
    assert 0 <= server.answered - result.requests <= clients
    assert result.requests == result.latency.total
    assert result.errors == {}
    assert result.unfinished <= clients
    assert result.throughput_rps == result.requests / result.wall_s
    assert not result.cancelled


@pytest.mark.parametrize("duration_s", [0.002, 0.02, 0.25])
@pytest.mark.parametrize("warmup_s", [0.0, 0.05])
def test_a_window_is_as_long_as_asked_for(duration_s: float, warmup_s: float) -> None:
    result, _ = measure(taking(0.001), duration_s=duration_s, warmup_s=warmup_s)
    assert duration_s <= result.wall_s < duration_s + 0.2
    assert not result.cancelled


@pytest.mark.parametrize(
    ("service_s", "changes"),
    [
        (0.0, {"connections": 1}),
        (0.0, {"connections": 8}),
        (0.0, {"connections": 8, "conversation": 3, "warmup_s": 0.05}),
        (0.02, {"connections": 4, "warmup_s": 0.05, "duration_s": 0.03}),
        (0.2, {"connections": 4, "warmup_s": 0.05, "duration_s": 0.05}),
    ],
)
def test_littles_law_holds(service_s: float, changes: dict[str, Any]) -> None:
    result, _ = measure(taking(service_s) if service_s else polite, **changes)
    assert result.littles_law_residual == pytest.approx(0, abs=0.02)
    assert "littles_law" not in codes(result)


def test_the_warm_up_is_left_out() -> None:
    began_s = time.monotonic()

    def converse(conversation: Conversation) -> None:
        for _ in conversation.requests():
            if conversation.number == 0:
                conversation.reset()
                return
            if time.monotonic() < began_s + 0.1:
                time.sleep(0.3)
            conversation.answer()

    result, server = measure(converse, connections=2, warmup_s=0.6, duration_s=0.3)
    assert result.requests > 20
    assert result.latency.max_ns is not None
    assert result.latency.max_ns < 0.3e9
    assert result.errors == {}
    assert result.connect.total == result.connected == 2  # before the warm-up; the one that connects again is not in it
    assert 0 < result.utilisation < 1
    assert server.answered > result.requests


# Conversations.


def test_a_conversation_is_ten_requests_and_a_farewell() -> None:
    result, server = measure(polite, connections=4, conversation=10)
    whole = [b"hello"] * 10 + [b"Q"]
    said = [conversation.heard for conversation in server.conversations]
    assert len(said) > 20
    assert all(heard == whole[: len(heard)] for heard in said)
    assert sum(heard != whole for heard in said) <= 4
    # The window counts connections when they are made, the server when it accepts them.
    assert abs(len(said) - result.connect.total) <= 4


def test_keepalive_is_one_connection_for_each_client() -> None:
    result, server = measure(polite, connections=4)
    assert len(server.conversations) == result.connect.total == 4
    assert all(set(conversation.heard) == {b"hello"} for conversation in server.conversations)


def test_a_single_request_is_a_conversation_too() -> None:
    _, server = measure(polite, connections=2, conversation=1)
    assert len(server.conversations) > 10
    assert sum(conversation.heard != [b"hello", b"Q"] for conversation in server.conversations) <= 2


def test_the_first_request_waits_to_be_accepted() -> None:
    with Server(polite, accept_after_s=0.2) as server:
        result = run(loading(server.port, conversation=2, duration_s=0.7))
    assert result.requests >= 4
    assert result.latency.max_ns is not None
    assert result.latency.max_ns >= 0.15e9
    assert result.latency.min_ns is not None
    assert result.latency.min_ns < 0.1e9
    # The kernel connects long before the server accepts.
    assert result.connect.min_ns is not None
    assert result.connect.min_ns < 0.1e9


def test_the_window_waits_for_the_connections() -> None:
    # The first knock is dropped; the kernel knocks again after a second.
    with full_listener() as listener, Server(polite, listener=listener, accept_after_s=0.1) as server:
        result = run(loading(server.port, duration_s=0.3))
    assert result.connect.total == 1
    assert result.connect.min_ns is not None
    assert result.connect.min_ns > 0.5e9
    assert result.connected == 1
    assert result.wall_s == pytest.approx(0.3, abs=0.05)
    assert result.latency.max_ns is not None
    assert result.latency.max_ns < result.connect.min_ns
    assert result.errors == {}


# Replies.


@pytest.mark.parametrize("wire", WIRES)
def test_a_reply_is_known_when_it_is_whole(wire: str) -> None:
    reply, memory = REPLIES[wire], as_bytes(WIRES[wire].memory)

    def scan(received: Any, size: int) -> int:
        state, numbers = np.zeros(PARSER_WORDS, np.int64), np.zeros(NUMBERS, np.int64)
        return WIRES[wire].parse(state, received, size, memory, numbers)

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


@pytest.mark.parametrize("wire", WIRES)
def test_a_reply_may_come_in_pieces(wire: str) -> None:
    reply = REPLIES[wire]
    pieces = [[reply[:place], reply[place:]] for place in range(1, len(reply))]
    pieces.append([bytes([letter]) for letter in reply])
    heard: list[bytes] = []

    def converse(conversation: Conversation) -> None:
        for in_pieces in pieces:
            heard.append(conversation.socket.recv(1024))
            for piece in in_pieces:
                conversation.socket.sendall(piece)
                time.sleep(0.004)

    result, _ = measure(converse, wire=wire, conversation=len(pieces), duration_s=0.4)
    assert heard[: len(pieces)] == [WIRES[wire].requests[0]] * len(pieces)
    assert result.requests >= len(pieces)
    assert result.errors == {}
    assert result.latency.max_ns is not None
    assert result.latency.max_ns >= (len(reply) - 1) * 4e6  # to the last byte, not to the first


def test_the_seed_wire_says_q_after_its_requests() -> None:
    def converse(conversation: Conversation) -> None:
        while data := conversation.socket.recv(1024):
            conversation.heard.append(data)
            if data == b"hello":
                conversation.socket.sendall(REPLIES["seed"])

    result, server = measure(converse, wire="seed", conversation=3)
    assert result.errors == {}
    assert len(server.conversations) > 5
    whole = [b"hello", b"hello", b"hello", b"Q"]
    assert sum(conversation.heard != whole for conversation in server.conversations) <= 1


@pytest.mark.parametrize(
    ("wire", "reply"),
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
def test_a_wrong_reply_is_an_error(wire: str, reply: bytes) -> None:
    def converse(conversation: Conversation) -> None:
        while conversation.socket.recv(1024):
            wrong = conversation.number < FAULTS
            conversation.socket.sendall(reply if wrong else REPLIES[wire])
            conversation.answered += not wrong

    result, server = measure(converse, wire=wire, duration_s=0.25)
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
def test_every_fault_is_counted_once_and_at_once(fault: Behaviour, kinds: set[str], clients: int) -> None:
    # A fault that was noticed only by the time-out would leave the client waiting beyond the window.
    result, server = measure(at_first(fault), connections=clients, timeout_s=A_LOT_S, duration_s=0.3)
    assert sum(result.errors.values()) == FAULTS
    assert set(result.errors) <= kinds
    assert 0 <= server.answered - result.requests <= clients
    assert result.requests > FAULTS
    assert "errors" in codes(result)


def test_a_server_that_speaks_unasked_is_noticed_at_once() -> None:
    def greet(conversation: Conversation) -> None:
        conversation.socket.sendall(b"220 at your service\r\n")
        silent(conversation)

    # So many clients that some are greeted before the engine has looked at their connection.
    result, _ = measure(at_first(greet, 100), connections=100, timeout_s=A_LOT_S, duration_s=0.8)
    assert result.errors == {"wrong_reply": 100}


def test_a_server_that_never_answers_is_a_time_out() -> None:
    result, _ = measure(silent, connections=2, timeout_s=0.1, duration_s=0.35)
    assert set(result.errors) == {"reply_timeout"}
    assert 2 <= result.errors["reply_timeout"] <= 2 * 3
    assert result.requests == 0
    # Each is in the latency at its time-out, and marked: it would have taken longer.
    assert result.latency.total == result.censored == result.errors["reply_timeout"]
    assert result.censored_from_ns is not None
    assert 0.1e9 <= result.censored_from_ns < 0.3e9
    assert result.is_lower_bound(result.latency.percentile_ns(50))


def test_so_many_time_outs_as_requests_without_an_answer() -> None:
    def half(conversation: Conversation) -> None:
        next(conversation.requests())
        conversation.socket.sendall(b"Yes,")
        conversation.socket.recv(1024)

    result, server = measure(at_first(half, 2), timeout_s=0.2, duration_s=0.8)
    assert result.errors == {"reply_timeout": 2}
    assert 0 <= server.answered - result.requests <= 1
    assert (result.censored, result.latency.total) == (2, result.requests + 2)
    assert result.is_lower_bound(result.latency.max_ns)
    assert not result.is_lower_bound(result.latency.percentile_ns(50))


def test_a_run_does_not_wait_for_an_answer() -> None:
    began_s = time.monotonic()
    result, _ = measure(silent, connections=2, timeout_s=A_LOT_S)
    assert time.monotonic() - began_s < 5
    assert result.errors == {}
    assert result.unfinished == 2
    assert 0.2 <= result.oldest_unfinished_s < 1
    assert result.littles_law_residual == pytest.approx(0, abs=0.02)


def test_a_closed_port_refuses() -> None:
    with closed_port() as port:
        result = run(loading(port))
    assert set(result.errors) == {"refused"}
    # It is tried again after a pause, not a million times a second.
    assert 3 <= result.errors["refused"] <= result.wall_s * 1e9 / PAUSE_AFTER_ERROR_NS + 1
    assert (result.requests, result.connect.total, result.unfinished) == (0, 0, 0)


def test_a_server_that_comes_up_is_found() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        opening = threading.Timer(0.1, listener.listen)
        with Server(polite, listener=listener, accept_after_s=0.3) as server:
            opening.start()
            result = run(loading(server.port, duration_s=0.6))
            opening.join()
    assert set(result.errors) == {"refused"}
    assert result.requests > 0


def test_nobody_at_the_door_is_a_connect_time_out() -> None:
    with full_listener() as listener:
        result = run(loading(listener.getsockname()[1], timeout_s=0.1, duration_s=0.35))
    assert set(result.errors) == {"connect_timeout"}
    assert 1 <= result.errors["connect_timeout"] <= 4  # one of them before the window
    assert result.connected == 0
    assert result.connect.total == 0


def test_what_cannot_be_reached_is_refused() -> None:
    # The kernel connects nobody to the broadcast address, and asks no network about it.
    result = run(loading(9, host="255.255.255.255"))
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
def test_why_connecting_failed_is_told(error: int, kind: str) -> None:
    assert ERRORS[connection._kind_of(error)] == kind


# Warnings.


def made(**changes: Any) -> LoadResult:
    """Return the result of two clients whose thousand requests took 2 ms each, for a second."""
    counts = np.zeros(BUCKETS, np.int64)
    counts[bucket_of(2_000_000)] = 1000
    fine = LoadResult(
        load=Load(host="127.0.0.1", port=1, connections=2),
        wall_s=1.0,
        requests=1000,
        errors={},
        latency=Histogram(counts, 2_000_000, 2_000_000, 2_000_000_000),
        connect=Histogram(),
        engines=(EngineUse(cpu_s=0.1, utilisation=0.1),),
        connected=2,
        unfinished=2,
        oldest_unfinished_s=0.001,
        age_before_ns=1_000_000,
        age_after_ns=1_000_000,
        cancelled=False,
    )
    return replace(fine, **changes)


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
def test_warnings_say_what_spoils_a_result(changes: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    assert warnings(made(**changes)) == expected


def test_a_slow_server_needs_a_longer_window() -> None:
    result, _ = measure(taking(0.3), connections=2, duration_s=0.1)
    assert codes(result) == ["few_requests", "short_window"]
    assert result.straddling_share == pytest.approx(1, abs=0.05)


# The edges, and ending early.


def test_the_edges_are_told_once_each() -> None:
    told: list[tuple[str, float, int, int, str]] = []
    with Server(polite) as server:

        def tell(edge: str) -> None:
            told.append((edge, time.monotonic(), server.answered, server.open, threading.current_thread().name))

        result = run(
            loading(server.port, connections=3, warmup_s=0.2, duration_s=0.4),
            on_begin=lambda: tell("begin"),
            on_end=lambda: tell("end"),
        )
    assert [edge for edge, *_ in told] == ["begin", "end"]
    (_, began_s, answered_before, _, _), (_, ended_s, answered_after, still_open, _) = told
    assert answered_before > 0
    assert ended_s - began_s == pytest.approx(result.wall_s, abs=0.15)
    assert answered_after - answered_before == pytest.approx(result.requests, rel=0.5)
    assert still_open == 3
    assert {thread for *_, thread in told} == {threading.current_thread().name}


def test_what_a_caller_raises_ends_the_run() -> None:
    def refuse() -> None:
        raise LookupError("the caller's own")

    began_s, before = time.monotonic(), open_files()
    with Server(polite) as server:
        with pytest.raises(LookupError, match="the caller's own"):
            run(loading(server.port, duration_s=A_LOT_S), on_begin=refuse)
        assert "engine" not in [thread.name for thread in threading.enumerate()]
    assert time.monotonic() - began_s < 5
    assert open_files() == before


def test_cancelling_keeps_what_was_measured() -> None:
    cancel = threading.Event()
    began_s = time.monotonic()
    with Server(polite) as server:
        timer = threading.Timer(0.3, cancel.set)
        timer.start()
        result = run(loading(server.port, connections=2, duration_s=A_LOT_S), cancel=cancel)
        timer.join()
    assert time.monotonic() - began_s < 5
    assert result.cancelled
    assert 0.1 < result.wall_s < 2
    assert 0 <= server.answered - result.requests <= 2
    assert result.requests > 20
    assert result.littles_law_residual == pytest.approx(0, abs=0.02)


def test_cancelling_before_the_window_measures_nothing() -> None:
    cancel = threading.Event()
    edges: list[str] = []
    with Server(polite) as server:
        timer = threading.Timer(0.1, cancel.set)
        timer.start()
        result = run(
            loading(server.port, warmup_s=A_LOT_S, duration_s=A_LOT_S),
            on_begin=lambda: edges.append("begin"),
            on_end=lambda: edges.append("end"),
            cancel=cancel,
        )
        timer.join()
    assert edges == ["begin", "end"]
    assert result.cancelled
    assert (result.wall_s, result.requests, result.latency.total, result.errors) == (0, 0, 0, {})
    assert (result.cpu_s, result.utilisation, result.throughput_rps) == (0, 0, 0)
    assert result.littles_law_residual is None
    assert codes(result) == ["few_requests", "short_window"]


def test_ctrl_c_ends_the_run_and_is_raised_on() -> None:
    began_s, before = time.monotonic(), open_files()
    with Server(polite) as server:
        timer = threading.Timer(0.2, _thread.interrupt_main)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            run(loading(server.port, duration_s=A_LOT_S))
        timer.join()
    assert time.monotonic() - began_s < 5
    assert open_files() == before


def test_the_gil_is_free_meanwhile() -> None:
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1

    def rate(begin: tuple[int, float], end: tuple[int, float]) -> float:
        return (end[0] - begin[0]) / (end[1] - begin[1])

    edges: list[tuple[int, float]] = []

    def note() -> None:
        edges.append((counted, time.monotonic()))

    counting = threading.Thread(target=count)
    with reference_server("asyncio") as port:
        counting.start()
        note()
        time.sleep(0.3)
        result = run(loading(port, connections=4, duration_s=0.5), on_begin=note, on_end=note)
        done.set()
        counting.join()
    assert result.requests > 100
    alone, meanwhile = (rate(begin, end) for begin, end in (edges[:2], edges[1:]))
    # Engine, server and the thread share the CPUs; with the GIL held the thread would get next to none.
    assert meanwhile > 0.1 * alone


# Where the server is.


@pytest.mark.parametrize(("listens", "called"), [("127.0.0.1", "localhost"), ("::1", "::1")])
def test_servers_are_found_by_name_and_by_ipv6(listens: str, called: str) -> None:
    with Server(polite, host=listens) as server:
        result = run(loading(server.port, host=called, conversation=5))
    assert result.requests > 20
    assert result.errors == {}


@pytest.mark.parametrize("listens", ["127.0.0.1", "::1"])
def test_a_name_with_two_addresses_means_the_one_that_listens(listens: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(_: str, port: int, **__: object) -> list[Any]:
        stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(socket.AF_INET6, *stream, ("::1", port, 0, 0)), (socket.AF_INET, *stream, ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with Server(polite, host=listens) as server:
        result = run(loading(server.port, host="localhost"))
    assert result.requests > 20
    assert result.errors == {}


def test_a_link_local_address_keeps_its_interface() -> None:
    family, packed = address_of("fe80::1%lo", 80, 1.0)
    assert family == socket.AF_INET6
    assert packed[8:24] == socket.inet_pton(family, "fe80::1")
    assert packed[24:] == struct.pack("=I", socket.if_nametoindex("lo"))


@pytest.mark.parametrize("host", ["", "a" * 64 + ".example", ".example", "a\0b"])
def test_a_host_that_cannot_be_found_is_one_line(host: str) -> None:
    before = open_files()
    with pytest.raises(GilbenchError, match="cannot find the host") as caught:
        run(loading(1, host=host))
    assert "\n" not in str(caught.value)
    assert open_files() == before


def test_an_unknown_host_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(GilbenchError, match=r"'nowhere\.example': Name or service not known"):
        run(loading(1, host="nowhere.example"))


# What is asked for.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wire", "morse"),
        *(("port", value) for value in (-1, 0, 65536)),
        *(("connections", value) for value in (-1, 0, 100_001)),
        *(("duration_s", value) for value in (-1, 0, 86401, math.inf, math.nan)),
        *(("warmup_s", value) for value in (-0.1, 86401, math.inf, math.nan)),
        *(("timeout_s", value) for value in (-1, 0, 3601, math.inf, math.nan)),
        *(("conversation", value) for value in (-1, 0, 10**9 + 1, 2**63)),
    ],
)
def test_a_load_that_makes_no_sense_is_one_line(name: str, value: object) -> None:
    with pytest.raises(GilbenchError) as caught:
        loading(1, **{name: value})
    assert "\n" not in str(caught.value)


def test_the_least_and_the_most_that_makes_sense() -> None:
    least = {"connections": 1, "duration_s": 1e-9, "warmup_s": 0, "timeout_s": 1e-9, "conversation": 1}
    most = {"connections": 100_000, "duration_s": 86400, "warmup_s": 86400, "timeout_s": 3600, "conversation": 10**9}
    for port, values in ((1, least), (65535, most)):
        load = loading(port, **values)
        assert {name: getattr(load, name) for name in values} == values


# What it uses of the system.


def test_no_file_stays_open() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with reference_server("asyncio") as port, closed_port() as closed, full_listener() as full:
        loads = [
            loading(port, duration_s=0.02, connections=5),
            loading(port, duration_s=0.02, connections=5, conversation=2),
            loading(port, duration_s=0.02, connections=5, wire="seed"),
            loading(closed, duration_s=0.02, connections=5),
            loading(full.getsockname()[1], duration_s=0.03, connections=5, timeout_s=0.001),
        ]
        run(loads[0])
        before = open_files()
        for load in loads * 3:
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
    """Return the limit under which so many more files can be opened; it bounds their numbers, lowest used first."""
    taken = {int(link.name) for link in Path("/proc/self/fd").iterdir()}
    free = (number for number in itertools.count() if number not in taken)
    return list(itertools.islice(free, room))[-1] + 1


def test_the_limit_of_open_files_is_raised_as_needed(file_limits: tuple[int, int]) -> None:
    with reference_server("asyncio") as port, contextlib.ExitStack() as others:
        for _ in range(60):
            others.enter_context(Path("/dev/null").open("rb"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit_that_leaves(10), file_limits[1]))
        result = run(loading(port, connections=20))
    assert result.requests > 20
    assert result.errors == {}
    assert result.connect.total == 20


def test_too_few_open_files_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    with pytest.raises(GilbenchError, match="ulimit") as caught:
        run(loading(1, connections=100))
    assert "\n" not in str(caught.value)


def test_a_socket_that_cannot_be_had_is_an_error_of_its_own(
    file_limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["loadgen.run"], "allow_files", lambda _: None)
    with reference_server("asyncio") as port:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit_that_leaves(5), file_limits[1]))
        result = run(loading(port, connections=10))
    assert set(result.errors) == {"no_socket"}
    assert result.requests > 0
    assert 0 < result.connect.total < 10


def test_another_system_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(GilbenchError, match="needs Linux"):
        run(loading(1))
