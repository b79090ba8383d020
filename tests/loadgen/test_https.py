"""HTTPS, against a server that uses CPython's own ssl; its certificate is for localhost and 127.0.0.1."""

from __future__ import annotations

import json
import socket
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadgen import GilbenchError, Load, LoadResult, run
from loadgen.cli.main import main
from loadgen.load import Tls
from loadgen.protocols import http_protocol
from loadgen.protocols.http_request import request
from tests.support.http_server import Scripted, scripted
from tests.support.load import run_until
from tests.support.until import LIMIT_S

FOLDER = Path(__file__).parent / "tls"
CERTIFICATE = FOLDER / "certificate.pem"
TRUSTED = Tls(ca=str(CERTIFICATE))


@pytest.fixture
def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(CERTIFICATE, FOLDER / "key.pem")
    return made


@pytest.fixture
def server(context: ssl.SSLContext) -> Iterator[Scripted]:
    with scripted(tls=context) as running:
        yield running


def loading(port: int, **changes: Any) -> Load:
    fields: dict[str, Any] = {"host": "localhost", "duration_s": LIMIT_S, "timeout_s": 3600, "tls": TRUSTED}
    return Load(port=port, protocol=http_protocol([request("localhost")]), **(fields | changes))


def answered(load: Load, number: int = 50) -> LoadResult:
    return run_until(load, lambda good, errors: good + errors.total() >= number)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("tls", [TRUSTED, Tls(verify=False)], ids=["trusted", "insecure"])
def test_engine_measures_https(server: Scripted, host: str, tls: Tls) -> None:
    result = answered(loading(server.port, host=host, tls=tls, connections=4))
    assert result.errors == {}
    assert result.requests >= 50
    assert result.handshake.total == result.connect.total == 4
    assert result.resumed == 0


@pytest.mark.parametrize(
    ("host", "tls", "reason"),
    [
        ("localhost", Tls(), "self-signed certificate"),
        ("127.0.0.2", TRUSTED, "IP address mismatch"),
        (socket.gethostname(), TRUSTED, "hostname mismatch"),
    ],
)
def test_engine_checks_the_certificate(host: str, tls: Tls, reason: str, context: ssl.SSLContext) -> None:
    with scripted(tls=context, host="0.0.0.0") as server:  # noqa: S104 - the certificate is not for all of its addresses
        result = answered(loading(server.port, host=host, tls=tls), 2)
    assert set(result.errors) == {"no_handshake"}
    assert result.handshake_error is not None
    assert reason.lower() in result.handshake_error.lower().replace("self signed", "self-signed")
    assert server.heads == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("resume", [False, True])
def test_engine_resumes_sessions_if_asked_to(resume: bool, version: ssl.TLSVersion, context: ssl.SSLContext) -> None:
    context.maximum_version = version
    with scripted(tls=context) as server:
        tls = Tls(ca=str(CERTIFICATE), resume=resume)
        result = answered(loading(server.port, tls=tls, connections=2, requests_per_connection=2))
    assert result.errors == {}
    opened = result.handshake.total
    assert opened >= 25
    # The first connection of each client has no session to resume.
    assert result.resumed == (opened - 2 if resume else 0)


def test_engine_receives_replies_of_many_records(context: ssl.SSLContext) -> None:
    async def large(running: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await running.head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + 300_000 * b"x")
            await writer.drain()

    with scripted(large, tls=context) as server:
        result = answered(loading(server.port, connections=3), 20)
    assert result.errors == {}
    assert result.received_bytes >= result.requests * 300_000


def test_engine_sends_bodies_of_many_records(context: ssl.SSLContext) -> None:
    received = []

    async def take(running: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await running.head(reader)
            received.append(len(await reader.readexactly(3_000_000)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with scripted(take, tls=context) as server:
        body = http_protocol([request("localhost", method="POST", body=3_000_000 * b"x")])
        load = Load(host="localhost", port=server.port, protocol=body, duration_s=LIMIT_S, timeout_s=3600, tls=TRUSTED)
        result = answered(load, 3)
    assert result.errors == {}
    assert received[:3] == [3_000_000] * 3


def test_engine_counts_a_server_without_tls() -> None:
    async def plain(_: Scripted, reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with scripted(plain) as server:
        result = answered(loading(server.port), 3)
    assert set(result.errors) == {"no_handshake"}
    assert result.handshake_error


def test_run_refuses_a_file_without_certificates() -> None:
    with pytest.raises(GilbenchError, match="has no certificates"):
        run(loading(1, tls=Tls(ca=__file__)))


def test_cli_measures_https(server: Scripted, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"https://localhost:{server.port}/"
    assert main([url, "--ca", str(CERTIFICATE), "--count", "5", "--json", "-"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["requests"] == 5
    assert shown["handshake_ns"]["p50"] > 0
    assert main([url, "--duration", "0.2s", "--warmup", "0s"]) == 1
    assert "no TLS with localhost:" in capsys.readouterr().err
