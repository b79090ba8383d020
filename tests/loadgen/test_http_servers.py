"""HTTP servers that close, answer early, refuse, or listen elsewhere, as servers that people have do.

Over 300 lines, because each situation needs a server of its own next to what it shows.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from asyncio import StreamReader, StreamWriter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from loadgen import Load, LoadResult, run
from loadgen.cli.main import main
from loadgen.host.port_owner import find_owner
from loadgen.protocols import http_protocol
from loadgen.protocols.http_request import request
from loadgen.validation.checks import warnings
from tests.support.http_server import OK, Script, Scripted, scripted
from tests.support.load import run_until
from tests.support.tcp import closed_port
from tests.support.until import LIMIT_S

BRIEFLY = ("--duration", "0.2s", "--warmup", "0s")


def loading(port: int, *requests: bytes, **changes: Any) -> Load:
    fields: dict[str, Any] = {"duration_s": LIMIT_S, "timeout_s": 3600, "late_s": 60}
    protocol = http_protocol(requests or [request("localhost")])
    return Load(host="127.0.0.1", port=port, protocol=protocol, **(fields | changes))


def answered(load: Load, number: int = 50) -> LoadResult:
    return run_until(load, lambda good, errors: good + errors.total() >= number)


def answering_after(seconds: float) -> Script:
    async def serve(server: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await server.head(reader)
            await asyncio.sleep(seconds)
            writer.write(OK)

    return serve


# Servers that close.


async def close_after_each_reply(server: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
    await server.head(reader)
    writer.write(OK)
    await writer.drain()


@pytest.mark.parametrize("rate_rps", [None, 500.0])
def test_engine_replaces_a_connection_that_the_server_closed_after_a_reply(rate_rps: float | None) -> None:
    with scripted(close_after_each_reply) as server:
        result = answered(loading(server.port, connections=2, rate_rps=rate_rps))
    assert result.errors == {}
    assert result.requests >= 50
    assert result.reconnections >= result.requests - 3
    assert "reconnected" in [warning["code"] for warning in warnings(result)]


def test_engine_counts_a_request_that_the_server_took_and_dropped() -> None:
    async def drop_the_second(server: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)

    with scripted(drop_the_second) as server:
        result = answered(loading(server.port, connections=2), 20)
    assert set(result.errors) == {"closed_early"}
    assert result.errors["closed_early"] == pytest.approx(result.requests, abs=2)
    assert result.reconnections == 0


def test_engine_counts_no_error_while_nothing_is_asked() -> None:
    async def leave_at_once(_: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.02)
        writer.write(b"")

    with scripted(leave_at_once) as server:
        load = loading(server.port, connections=5, connect_rate=20.0, duration_s=0.05, rate_rps=0.001)
        result = run(load)
    assert len(server.peers) > 5  # they were opened again
    assert (result.errors, result.connect_errors, result.requests) == ({}, {}, 0)


def test_engine_counts_attempts_to_connect_apart_from_requests() -> None:
    with closed_port() as port:
        result = run(loading(port, rate_rps=100.0, duration_s=0.2, connections=3))
    assert result.errors == {}
    assert set(result.connect_errors) == {"refused"}
    assert (result.unfinished, result.due) == (20, 20)
    assert warnings(result)[0]["code"] == "unreachable"


# Replies before the request was sent, and late ones.


def test_engine_reads_a_reply_that_comes_before_the_body_is_sent() -> None:
    async def refuse(server: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.write_eof()
        await reader.read()

    with scripted(refuse) as server:
        body = request("localhost", method="POST", body=b"x" * 8_000_000)
        result = answered(loading(server.port, body), 5)
    assert set(result.errors) == {"http_4xx"}
    assert set(result.status_codes) == {413}


def test_engine_fails_every_reply_later_than_the_time_out() -> None:
    with scripted(answering_after(0.012)) as server:
        result = answered(loading(server.port, timeout_s=0.004), 10)
    assert (result.requests, set(result.errors)) == (0, {"reply_timeout"})


# HEAD, bodies, and files of requests.


def test_engine_expects_a_body_except_for_head() -> None:
    async def serve(server: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            head = await server.head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (b"" if head.startswith(b"HEAD") else b"ok"))

    with scripted(serve) as server:
        mixed = [request("x", method=method) for method in ("GET", "HEAD", "HEAD", "GET")]
        result = answered(loading(server.port, *mixed, connections=3))
    assert result.errors == {}
    assert result.requests >= 50


def test_cli_sends_a_length_with_an_empty_post(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted() as server:
        assert main([f"http://127.0.0.1:{server.port}/", "--method", "POST", *BRIEFLY]) == 0
    assert b"Content-Length: 0\r\n" in server.heads[0]
    capsys.readouterr()


def test_cli_separates_lines_by_the_line_end_that_the_protocol_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(b"one\ntwo\n")
    heard = []

    async def serve(_: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"Yes, yes\n")

    with scripted(serve) as server:
        words = [f"127.0.0.1:{server.port}", "--payload", str(lines), "--separator", r"\n"]
        assert main([*words, "--count", "4"]) == 0
    assert heard[:4] == [b"one\n", b"two\n", b"one\n", b"two\n"]
    capsys.readouterr()


# Addresses.


@pytest.mark.parametrize(
    ("url", "target", "header"),
    [
        ("http://{at}?x=1", b"/?x=1", b""),
        ("http://{at}/page#top", b"/page", b""),
        ("http://{at}/café?q=ü b", b"/caf%C3%A9?q=%C3%BC%20b", b""),
        ("http://{at}/a/../b%2f?x=%41", b"/a/../b%2f?x=%41", b""),
        ("HTTP://{at}/", b"/", b""),
        ("http://Us%20er:p%3Aw@{at}/", b"/", b"Authorization: Basic VXMgZXI6cDp3\r\n"),
        ("http://user@{at}/", b"/", b"Authorization: Basic dXNlcjo=\r\n"),
        ("http://0.0.0.0:{port}/", b"/", b"Host: 0.0.0.0:{port}\r\n"),
        ("http://[::ffff:127.0.0.1]:{port}/", b"/", b"Host: [::ffff:127.0.0.1]:{port}\r\n"),
        ("http://LOCALHOST:{port}/{{n}}", b"/1", b"Host: localhost:{port}\r\n"),
    ],
)
def test_cli_understands_urls(url: str, target: bytes, header: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted() as server:
        at = f"127.0.0.1:{server.port}"
        assert main([url.format(at=at, port=server.port), "--count", "1"]) == 0
    assert server.targets[0] == target
    assert header.replace(b"{port}", str(server.port).encode()) in server.heads[0]
    capsys.readouterr()


def test_cli_connects_from_each_address_in_turn(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted() as server:
        words = ["--bind", "127.0.0.2,127.0.0.3", "--connections", "4", "--count", "8"]
        assert main([f"http://127.0.0.1:{server.port}/", *words]) == 0
    assert sorted(server.peers) == ["127.0.0.2"] * 2 + ["127.0.0.3"] * 2
    capsys.readouterr()


def test_cli_connects_to_all_addresses_of_a_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted() as one, scripted(host="127.0.0.2") as other:

        def both(_: str, port: int, **__: object) -> list[Any]:
            stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            ports = (one.port, other.port) if port else (0, 0)
            return [(*stream, (f"127.0.0.{n}", number)) for n, number in enumerate(ports, 1)]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        assert main(["http://twice.example/", "--resolve", "all", "--connections", "4", "--count", "8"]) == 0
        assert (len(one.peers), len(other.peers)) == (2, 2)
    capsys.readouterr()


def test_cli_puts_load_on_a_unix_socket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "app.sock")
    with scripted(path=path) as server:
        words = [f"unix:{path}", "--protocol", "http", "--request", "/item/{n}", "--count", "3", "--json", "-"]
        assert main(words) == 0
    assert server.targets == [b"/item/1", b"/item/2", b"/item/3"]
    assert b"Host: localhost\r\n" in server.heads[0]
    assert json.loads(capsys.readouterr().out)["requests"] == 3


def test_find_owner_matches_the_address() -> None:
    with scripted() as server, scripted(host="0.0.0.0") as everywhere:  # noqa: S104 - what is tested
        assert find_owner("127.0.0.1", server.port) == os.getpid()
        assert find_owner("127.0.0.2", server.port) is None
        assert find_owner("localhost", everywhere.port) == os.getpid()
        assert find_owner("192.0.2.1", everywhere.port) is None


# Numbers of requests, connections and pauses.


@pytest.mark.parametrize("changes", [{}, {"rate_rps": 2000.0}, {"threads": 2}, {"requests_per_connection": 3}])
def test_engine_ends_after_as_many_requests_as_asked_for(changes: dict[str, Any]) -> None:
    with scripted() as server:
        result = run(loading(server.port, connections=4, count=21, **changes))
    assert (result.requests, result.unfinished, result.errors) == (21, 0, {})
    assert len(server.heads) == 21
    assert not result.cancelled


def test_engine_opens_as_many_connections_as_it_needs() -> None:
    waiting = 0

    async def serve_five_at_once(server: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal waiting
        while True:
            await server.head(reader)
            waiting += 1
            while waiting % 5:
                await asyncio.sleep(0.001)
            writer.write(OK)

    with scripted(serve_five_at_once) as server:
        load = loading(server.port, rate_rps=200.0, connections=50, initial_connections=1, count=50)
        result = run(load)
    assert result.requests == 50
    assert 5 <= result.connections_used == len(server.peers) < 50


def test_engine_waits_for_what_is_in_flight_at_the_end() -> None:
    with scripted(answering_after(0.3)) as server:
        load = loading(server.port, rate_rps=100.0, connections=20, duration_s=0.2)
        cut, whole = (
            run(load),
            run(loading(server.port, rate_rps=100.0, connections=20, duration_s=0.2, drain_s=LIMIT_S)),
        )
    assert (cut.requests, cut.unfinished) == (0, 20)
    assert (whole.requests, whole.unfinished, whole.latency.total) == (20, 0, 20)
    assert whole.wall_s == pytest.approx(0.2, abs=1e-6)
    assert sum(one.requests for one in whole.intervals) == 20


def test_engine_lets_clients_think() -> None:
    with scripted() as server:
        load = loading(server.port, connections=3, think_s=0.03, duration_s=0.2, trace=1000)
        result = run(load)
    assert result.errors == {}
    assert result.littles_law_residual == pytest.approx(0, abs=1e-6)
    for client in range(3):
        mine = sorted(one for one in result.trace if one.client == client)
        assert all(after.since_ns - before.at_ns == 30_000_000 for before, after in pairwise(mine))


def test_engine_counts_connections_and_bytes() -> None:
    asked = request("localhost")
    with scripted() as server:
        result = run(loading(server.port, asked, connections=2, requests_per_connection=5, count=30))
    assert len(server.peers) >= 6
    # Two were open before the window, and up to two that replaced others were established after it.
    assert len(server.peers) - 4 <= result.connections_opened <= len(server.peers) - 2
    assert (result.sent_bytes, result.received_bytes) == (30 * len(asked), 30 * len(OK))
    assert result.status_codes == {200: 30}


# What is said when nothing was answered.


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "× 404; check the path"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "× 503; check the path"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak http; check"),
        (b"", "no reply from 127.0.0.1:"),
    ],
)
def test_cli_says_first_why_nothing_was_answered(reply: bytes, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def serve(server: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await server.head(reader)
            writer.write(reply)

    with scripted(serve) as server:
        assert main([f"http://127.0.0.1:{server.port}/", *BRIEFLY, "--fail-if", "errors>0"]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines()[-1].startswith("gilbench load: error: ")
    assert says in err
    assert "p99 and above are unreliable" not in out


def test_cli_asks_whether_the_server_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with closed_port() as port:
        for more in ((), ("--rate", "100")):
            assert main([f"http://127.0.0.1:{port}/", *BRIEFLY, *more]) == 1
            assert f"connection refused by 127.0.0.1:{port}: is the server running?" in capsys.readouterr().err


def test_cli_says_that_no_request_was_due(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted() as server:
        words = [f"http://127.0.0.1:{server.port}/", "--rate", "0.5", "--duration", "0.2s", "--warmup", "0.1s"]
        assert main(words) == 1
    assert "no request was due within 0.2 s" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--csv", "--hdr"])
def test_cli_writes_rows_alone_to_standard_output(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted() as server:
        assert main([f"http://127.0.0.1:{server.port}/", *BRIEFLY, option, "-", "--percentiles", "50,99.99"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("at_s,seconds,requests" if option == "--csv" else "#[Histogram log format version 1.3]")
    assert ("latency_p9999_ns" in out) is (option == "--csv")
    assert "throughput " not in out
