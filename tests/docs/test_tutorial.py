"""The servers of the tutorial, which behave as the page says."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from docs.blocks.page import Page
from docs.sessions import ROOT
from tests.support.until import until

FILES = Page(ROOT / "docs/tutorial.md").files
SERIAL = ("mine/serial.py", "mine/waits.py")
THREADED = ("mine/threads.py", "mine/computes.py")
STEPS = ("serial", "waits", "threads")
NOT_YET_S = 0.15


@pytest.fixture
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """Start the server that a test names on a free port, and yield the port."""
    typed = FILES[request.param]
    assert typed.count("9000") == 1
    (tmp_path / "typed.py").write_text(typed.replace("9000", "0"), encoding="utf-8")
    with subprocess.Popen([sys.executable, tmp_path / "typed.py"]) as server:
        try:
            assert until(lambda: server.poll() is not None or listening(server.pid))
            assert server.poll() is None
            yield listening(server.pid)[0]
        finally:
            server.kill()


def listening(pid: int) -> list[int]:
    """Return the TCP ports on which a process listens."""
    return [one.laddr.port for one in psutil.Process(pid).net_connections("tcp") if one.status == psutil.CONN_LISTEN]


class Client:
    """A client that talks to a server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, line: bytes) -> None:
        self._socket.sendall(line + b"\n")

    def hears(self, within_s: float = 60) -> bytes:
        self._socket.settimeout(within_s)
        return self._socket.recv(100)

    def vanish(self) -> None:
        """Reset the connection."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def test_tutorial_has_no_file_that_is_not_tested() -> None:
    assert sorted(FILES) == sorted(SERIAL + THREADED)


def test_tutorial_serial_server_has_ten_lines() -> None:
    lines = FILES["mine/serial.py"].splitlines()
    assert len([line for line in lines if line]) == 10


def test_tutorial_servers_grow_by_two_and_three_lines() -> None:
    serial, waits, threads = (set(map(str.strip, FILES[f"mine/{name}.py"].splitlines())) for name in STEPS)
    assert len(waits - serial) == 2
    assert len(threads - waits) == 3


@pytest.mark.parametrize("port", SERIAL + THREADED, indirect=True)
def test_tutorial_servers_answer_until_q_and_survive_a_reset(port: int) -> None:
    with Client(port) as rude:
        rude.say(b"hello")
        rude.vanish()
    with Client(port) as client:
        for line in (b"hello", b"are you there?"):
            client.say(line)
            assert client.hears() == b"Yes, yes\n"
        client.say(b"Q")
        assert client.hears() == b""


@pytest.mark.parametrize("port", SERIAL, indirect=True)
def test_tutorial_serial_servers_let_a_second_client_wait(port: int) -> None:
    with Client(port) as first, Client(port) as second:
        first.say(b"hello")
        assert first.hears() == b"Yes, yes\n"
        second.say(b"hello")
        with pytest.raises(TimeoutError):
            second.hears(within_s=NOT_YET_S)
        first.say(b"Q")
        assert second.hears() == b"Yes, yes\n"


@pytest.mark.parametrize("port", THREADED, indirect=True)
def test_tutorial_threaded_servers_serve_two_clients_at_once(port: int) -> None:
    with Client(port) as first, Client(port) as second:
        first.say(b"hello")
        assert first.hears() == b"Yes, yes\n"
        second.say(b"hello")
        assert second.hears() == b"Yes, yes\n"
