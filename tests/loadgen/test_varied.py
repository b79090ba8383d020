"""Requests that differ: templates, files of requests, and what a server gets of them."""

from __future__ import annotations

import argparse
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from loadgen.cli.main import main
from loadgen.errors import GilbenchError
from loadgen.varied import DIFFERENT, expand, read_requests, template


def test_template_without_a_place_is_one_request() -> None:
    assert expand("hello {name} {n }", 1) == ("hello {name} {n }",)


def test_template_counts_from_1() -> None:
    requests = expand("item-{n}", 1)
    assert len(requests) == DIFFERENT
    assert requests[:2] == ("item-1", "item-2")
    assert requests[-1] == f"item-{DIFFERENT}"


def test_template_draws_numbers_by_its_seed() -> None:
    drawn = expand("{random:1-3}/{random:10-10}/{n}", 7)
    assert drawn == expand("{random:1-3}/{random:10-10}/{n}", 7) != expand("{random:1-3}/{random:10-10}/{n}", 8)
    assert {request.partition("/")[0] for request in drawn} == {"1", "2", "3"}
    assert all(request.split("/")[1] == "10" for request in drawn)


def test_template_refuses_an_empty_range() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"use the lower number first"):
        template("{random:9-1}")


def test_read_requests_returns_lines_and_json_strings(tmp_path: Path) -> None:
    (tmp_path / "requests").write_text('plain "x"\n\n"with a \\u00e9 and \\"quotes\\""\n{"n": 1}\n', encoding="utf-8")
    assert read_requests(str(tmp_path / "requests")) == ('plain "x"', 'with a é and "quotes"', '{"n": 1}')


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "has 0 requests"), (b'ok\n"cut\n', "line 2 is not a JSON string"), (b"\xff", "not UTF-8")],
)
def test_read_requests_refuses_a_file_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "requests").write_bytes(content)
    with pytest.raises(GilbenchError, match=says):
        read_requests(str(tmp_path / "requests"))
    with pytest.raises(GilbenchError, match="cannot read"):
        read_requests(str(tmp_path / "nowhere"))


@contextmanager
def recording(reply: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Serve one connection, and yield the port and the lines that came."""
    seen: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            for line in lines:
                if line.strip():
                    seen.append(line)
                if reply.startswith(b"Yes") or line == b"\r\n":
                    connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], seen
        thread.join()


@pytest.mark.parametrize("order", ["sequence", "random"])
def test_load_sends_the_requests_of_a_file_in_the_order_asked_for(tmp_path: Path, order: str) -> None:
    (tmp_path / "requests").write_text("one\ntwo\nthree\n", encoding="utf-8")
    with recording(b"Yes, yes\n") as (port, seen):
        words = [f"127.0.0.1:{port}", "--requests", str(tmp_path / "requests"), "--order", order]
        assert main([*words, "--duration", "200ms", "--warmup", "0s", "--json", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out").read_text(encoding="utf-8"))["requests"] > 0
    lines = [line.decode().strip() for line in seen if line != b"Q\n"]
    assert set(lines[:60]) <= {"one", "two", "three"}
    in_sequence = [("one", "two", "three")[number % 3] for number in range(len(lines))]
    assert (lines == in_sequence) is (order == "sequence")


def test_load_fills_a_template_in_the_path_of_a_url(tmp_path: Path) -> None:
    with recording(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, seen):
        words = [f"http://127.0.0.1:{port}/item/{{n}}", "--duration", "100ms", "--warmup", "0s"]
        assert main([*words, "--json", str(tmp_path / "out")]) == 0
    paths = [line.split()[1] for line in seen if line.startswith(b"GET ")]
    assert paths[:3] == [b"/item/1", b"/item/2", b"/item/3"]


def test_load_refuses_requests_that_are_given_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["127.0.0.1:9", "--request", "x", "--requests", "y"]) == 2
    assert "both give the requests: leave one out" in capsys.readouterr().err
