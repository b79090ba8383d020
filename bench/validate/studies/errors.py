"""Errors of every kind, caused on purpose and counted on both sides."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count, pairwise
from pathlib import Path
from typing import Final

from bench.paths import ROOT
from bench.validate.studies.load import LINE
from bench.validate.study import Known, Observations, Observed, Row, Study
from loadgen import Load, run
from loadgen.protocols import http_protocol
from loadgen.protocols.http_request import request
from loadgen.stages import Stage
from loadgen.validation.delays import delaying

_EVERY, _RPS = 8, 280.0
_STOPPED_S, _LATE_RPS, _LATE_FOR_S = 0.25, 400.0, 1.0
_GOOD: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
_HANGING, _HELD = 6, 1


def studies() -> Iterator[Study]:
    """Yield the studies."""
    yield Study("errors", tuple(_fault_row(kind) for kind in FAULTS), _observe_faults)
    yield Study("refused", (_REFUSED,), _observe_refusals)
    yield Study("connect timeout", (_HANGS,), _observe_hangs)
    yield Study("late", (_LATE,), _observe_late)


# What a server does wrong with every eighth request.


def _reset(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 2")  # without it, the request would be sent again: the server may not have read it
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _close_early(connection: socket.socket) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Le", socket.MSG_MORE)
    connection.shutdown(socket.SHUT_WR)


def _send(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


FAULTS: Final[dict[str, Callable[[socket.socket], None]]] = {
    "reset": _reset,
    "closed_early": _close_early,
    "reply_timeout": lambda connection: None,  # noqa: ARG005 - it does not answer
    "wrong_reply": _send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"),
    "protocol": _send(b"220 mail.example ESMTP\r\n"),
    "http_4xx": _send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
    "http_5xx": _send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
}


def _fault_row(kind: str) -> Row:
    return Row(
        name=f"errors counted: {kind}",
        says=f"A server answers every {_EVERY}th request with a fault, {kind} among them, and counts what it did.",
        known=Known.COUNTING,
        unit="requests",
        bound=0.0,
    )


@contextmanager
def faulty(every: int, kinds: Sequence[str]) -> Iterator[tuple[int, Counter[str]]]:
    """Serve HTTP, with one of the faults in turn for every n-th request; yield the port, and counts of replies."""
    done: Counter[str] = Counter()
    numbers, lock = count(1), threading.Lock()

    def converse(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while connection.recv(4096):
                with lock:
                    number = next(numbers)
                    kind = kinds[number // every % len(kinds)] if number % every == 0 else "good"
                    done[kind] += 1
                if kind == "good":
                    connection.sendall(_GOOD)
                else:
                    FAULTS[kind](connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1], done
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _observe_faults() -> Observations:
    # At the end nothing is sent for a while, so that no request is in flight.
    stages = (Stage(_RPS, _RPS, 1.0), Stage(0, 0, 0.5))
    with faulty(_EVERY, list(FAULTS)) as (port, done):
        result = run(
            Load(
                host="127.0.0.1",
                port=port,
                protocol=http_protocol([request("127.0.0.1")]),
                stages=stages,
                connections=32,
                timeout_s=0.2,
            )
        )
    return {_fault_row(kind).name: Observed(result.errors.get(kind, 0), done[kind]) for kind in FAULTS}


# No listener, or connections that are never accepted.

_REFUSED: Final = Row(
    name="errors counted: refused",
    says="Connections to a port at which nobody listens, as many as the kernel counts failed attempts.",
    known=Known.COUNTING,
    unit="requests",
    bound=0.0,
)
_HANGS: Final = Row(
    name="errors counted: connect_timeout",
    says=f"{_HANGING} clients of a listener with room for {_HELD}, which accepts none: the others hang.",
    known=Known.CONSTRUCTION,
    unit="requests",
    bound=0.0,
)


def _attempts_failed() -> int:
    rows = [line.split() for line in Path("/proc/self/net/snmp").read_text(encoding="utf-8").splitlines()]
    names, values = next((a, b) for a, b in pairwise(rows) if a[0] == b[0] == "Tcp:")
    return int(values[names.index("AttemptFails")])


def _observe_refusals() -> Observations:
    with socket.socket() as bound:  # bound, but not listening
        bound.bind(("127.0.0.1", 0))
        before = _attempts_failed()
        result = run(Load(host="127.0.0.1", port=bound.getsockname()[1], connections=7, duration_s=0.3))
    return {_REFUSED.name: Observed(result.errors.get("refused", 0), _attempts_failed() - before)}


def _observe_hangs() -> Observations:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        result = run(Load(host="127.0.0.1", port=port, connections=_HANGING, connect_timeout_s=0.4, duration_s=0.2))
    return {_HANGS.name: Observed(result.errors.get("connect_timeout", 0), _HANGING - _HELD)}


# The generator itself is late.

_LATE: Final = Row(
    name="errors counted: late",
    says=f"The generator is stopped for {_STOPPED_S:g} s at {_LATE_RPS:g} requests/s: what it should have sent until "
    "10 ms before the end of that is late, and its latency shows it.",
    known=Known.ARITHMETIC,
    unit="requests",
    bound=6.0,
)
_GENERATOR: Final = (
    "import json, sys; from loadgen import Load, run\n"
    "r = run(Load(host='127.0.0.1', port=int(sys.argv[1]), connections=256, duration_s=float(sys.argv[2]),"
    " rate_rps=float(sys.argv[3])), on_begin=lambda: print('began', flush=True))\n"
    "print(json.dumps([r.late_sends, r.load.late_s]))\n"
)


def _observe_late() -> Observations:
    command = [sys.executable, "-c", _GENERATOR]
    with (
        delaying(LINE, [0.0001]) as port,
        subprocess.Popen(
            [*command, str(port), str(_LATE_FOR_S), str(_LATE_RPS)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as generator,
    ):
        assert generator.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            generator.stdout.readline()
            time.sleep(0.3)
            os.kill(generator.pid, signal.SIGSTOP)
            began_s = time.monotonic()
            time.sleep(_STOPPED_S)
            os.kill(generator.pid, signal.SIGCONT)
            stopped_s = time.monotonic() - began_s
            late, bound_s = json.loads(generator.stdout.read())
        finally:
            generator.kill()
    return {_LATE.name: Observed(late, (stopped_s - bound_s) * _LATE_RPS)}
