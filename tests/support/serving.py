"""Servers in separate processes, and clients that check every reply."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil

from bench.interpreters.interpreter import interpreter_environment
from bench.paths import ROOT
from servers.framing import PROTOCOLS
from servers.models import MODELS
from servers.workloads import REPLY
from tests.support.until import until

WORKERS = 3
"""Number of workers of a pooled model."""

TIMEOUT_S = 60.0
"""Limit of every wait, which only a failing test reaches."""

NO_GRACE_S = 10 * TIMEOUT_S
"""A grace period longer than any test: a server that ends cannot have waited for it to expire."""

_WITH_GRACE = """
import sys
from servers import __main__, lifecycle
lifecycle.GRACE_S = float(sys.argv.pop(1))
__main__.main()
"""


class Server:
    """``python -m servers`` in a separate session, so that any process left behind is noticed."""

    def __init__(
        self,
        python: Path,
        *arguments: str,
        grace_s: float | None = None,
        stdin: int = subprocess.PIPE,
        **options: Any,
    ) -> None:
        """Start the process; ``grace_s`` replaces the server's own grace period."""
        command = ["-m", "servers"] if grace_s is None else ["-c", _WITH_GRACE, str(grace_s)]
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self.process = subprocess.Popen(
            [str(python), *command, *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
            **{"cwd": ROOT, "env": interpreter_environment(), **options},
        )
        self.pid = self.process.pid
        self.ready_line: dict[str, Any] = {}
        self.port = 0

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], TIMEOUT_S)[0], "no ready line"
        line = self.process.stdout.readline()
        assert line, f"it ended: {self.stderr()}"
        self.ready_line = json.loads(line)
        self.port = self.ready_line["port"]

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        client.settimeout(TIMEOUT_S)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(("127.0.0.1", self.port))
        return client

    def refuses(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == errno.ECONNREFUSED

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.assert_ended_well()

    def assert_ended_well(self) -> None:
        assert self.process.stdout is not None
        assert self.process.wait(TIMEOUT_S) == 0, self.stderr()
        assert not self.process.stdout.read(), "more than the ready line on standard output"
        assert not self.session(), "processes left behind"
        assert self.refuses()
        self.log()

    def stderr(self) -> str:
        # The server writes at the file's position, which an ordinary read would move.
        return os.pread(self._stderr.fileno(), os.fstat(self._stderr.fileno()).st_size, 0).decode()

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of the log; anything else on standard error fails the test."""
        text = self.stderr()
        assert "Traceback" not in text, text
        lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        assert all({"event", "pid", "reason"} <= line.keys() for line in lines), text
        return lines

    def session(self) -> list[int]:
        """Return the server's processes, including those that have ended but were not reaped."""
        return [process for process in psutil.pids() if session_of(process) == self.pid]

    def workers(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.pid).children()]

    def connections(self) -> int:
        """Return the number of client connections that the server's first process holds."""
        found = psutil.Process(self.pid).net_connections("tcp")
        return sum(one.status != psutil.CONN_LISTEN for one in found)

    def sockets(self) -> int:
        """Return the number of sockets that the server's first process has open."""
        count = 0
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                count += str(descriptor.readlink()).startswith("socket:")
        return count

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for process in self.session():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for stream in (self.process.stdin, self.process.stdout, self._stderr):
            if stream is not None:
                stream.close()


@contextlib.contextmanager
def serving(python: Path, *arguments: str, lifeline: bool = True, **options: Any) -> Iterator[Server]:
    pool = ["--workers", str(WORKERS)] if MODELS[arguments[0]].pooled else []
    server = Server(python, *arguments, *pool, *(["--lifeline"] if lifeline else []), **options)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.close()


def session_of(process: int) -> int | None:
    try:
        return os.getsid(process)
    except OSError:  # it has ended
        return None


def framed(protocol: str, message: bytes) -> bytes:
    return PROTOCOLS[protocol]().frame(message)


def answered(client: socket.socket, protocol: str, times: int = 1) -> bool:
    """Return whether the next replies are right."""
    expected = times * framed(protocol, REPLY)
    data = b""
    while len(data) < len(expected):
        more = client.recv(len(expected) - len(data))
        if not more:
            break
        data += more
    return data == expected


def asked(client: socket.socket, protocol: str, request: bytes = b"hello") -> bool:
    """Send a request, and return whether the reply is right."""
    client.sendall(framed(protocol, request))
    return answered(client, protocol)


def closed_by_server(client: socket.socket) -> bool:
    """Return whether the server ends the connection without another byte."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:  # the kernel resets if the server has not read everything
        return True


def conversed(server: Server, protocol: str, quit_: bytes = b"Q") -> bool:
    """Hold a whole conversation, and return whether all replies and its end are right."""
    with server.connect() as client:
        good = all(asked(client, protocol) for _ in range(2))
        client.sendall(framed(protocol, quit_))
        return good and closed_by_server(client)


def drained(client: socket.socket) -> int:
    """Read until the server ends the connection, and return the number of bytes received."""
    count = 0
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(1 << 16):
            count += len(data)
    return count


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def assert_logs(server: Server, lines: int) -> None:
    """Wait for a number of log lines, and check that there are no more."""
    assert until(lambda: len(server.log()) >= lines), server.stderr()
    assert len(server.log()) == lines
