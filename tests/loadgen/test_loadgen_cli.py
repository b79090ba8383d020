"""The command lines of the load generator: load, talk, and what they print.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loadgen import Load, LoadResult, url
from loadgen.__main__ import main
from loadgen.cli import options
from loadgen.cli.summary import render
from loadgen.duration import duration_s
from loadgen.engine.error_kinds import ERRORS
from loadgen.histograms.hdr_encoding import HIGHEST_NS
from loadgen.histograms.histogram import Histogram
from loadgen.result import EngineUse
from tests.support.exit_code import exit_code
from tests.support.load import histogram
from tests.support.reference import ROOT, reference_server
from tests.support.tcp import closed_port

LOADGEN = [sys.executable, "-m", "loadgen"]
BRIEFLY = ("--duration", "500ms", "--warmup", "0")
KEYS = {
    *("requests", "errors", "statuses", "wall_s", "throughput_rps", "cpu_s", "utilisation", "engines"),
    *("latency_ns", "latency_interval_ns", "latency_censored", "service_ns", "connect_ns", "lateness_ns"),
    *("connections", "connected", "threads", "protocol", "loop", "arrivals", "requests_per_connection", "intended_rps"),
    *("connect_errors", "status_codes", "handshake_ns", "handshake_error", "resumed", "sent_bytes", "received_bytes"),
    *("sent_bytes_per_s", "received_bytes_per_s", "connections_used", "connections_opened", "reconnections"),
    *("due", "in_flight_before", "in_flight_after"),
    *("late_sends", "server", "unfinished", "oldest_unfinished_s", "cancelled", "belief", "warnings"),
}


@pytest.fixture(scope="module")
def lines() -> Iterator[int]:
    with reference_server("threaded", "--protocol", "line") as port:
        yield port


@pytest.fixture(scope="module")
def seed() -> Iterator[int]:
    with reference_server("threaded", "--protocol", "seed") as port:
        yield port


@pytest.fixture
def closed() -> Iterator[int]:
    with closed_port() as port:
        yield port


@contextlib.contextmanager
def one_client(converse: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve only the first client that connects, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    converse(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def started(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*LOADGEN, *arguments], cwd=ROOT, capture_output=True, check=False, timeout=300)


def one_line(text: str | bytes) -> bool:
    text = text if isinstance(text, str) else text.decode()
    return text.count("\n") == 1 and text.endswith("\n") and "Traceback" not in text


# Load.


def test_summary_fits_a_terminal(lines: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"127.0.0.1:{lines}", "--connections", "64", "--requests-per-connection", "10", *BRIEFLY]) == 0
    out, err = capsys.readouterr()
    assert not err
    assert max(map(len, out.splitlines())) <= 80
    for word in ("closed loop, 64 clients", "throughput", "latency", "p999", "connect", "generator"):
        assert word in out


def test_cli_writes_json_alone_to_standard_output(lines: int) -> None:
    done = started(
        f"127.0.0.1:{lines}", "--connections", "3", "--requests-per-connection", "5", "--json", "-", *BRIEFLY
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert one_line(done.stdout)
    report = json.loads(done.stdout)
    assert set(report) == KEYS
    assert list(report["latency_ns"]) == ["min", "mean", "p50", "p90", "p95", "p99", "p999", "max"]
    assert list(report["connect_ns"]) == ["p50", "p99", "max"]
    assert sorted(report["latency_ns"][name] for name in ("p50", "p90", "p99", "p999", "max", "min")) == [
        report["latency_ns"][name] for name in ("min", "p50", "p90", "p99", "p999", "max")
    ]
    assert report["requests"] > 0
    assert report["throughput_rps"] == pytest.approx(report["requests"] / report["wall_s"])
    assert (report["connections"], report["requests_per_connection"], report["loop"], report["threads"]) == (
        3,
        5,
        "closed",
        1,
    )
    assert (report["errors"], report["cancelled"], report["intended_rps"], report["late_sends"]) == (
        {},
        False,
        None,
        None,
    )


def test_cli_writes_json_to_a_file_and_prints_the_summary(
    lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "result.json"
    assert main([f"localhost:{lines}", "--json", str(file), *BRIEFLY]) == 0
    out, err = capsys.readouterr()
    assert "throughput" in out
    assert not err
    report = json.loads(file.read_text(encoding="utf-8"))
    assert set(report) == KEYS
    assert report["requests_per_connection"] is None


@pytest.mark.parametrize("where", ["nowhere/result.json", "."])
def test_cli_reports_a_file_that_cannot_be_written_in_one_line(
    where: str, lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"127.0.0.1:{lines}", "--json", str(tmp_path / where), *BRIEFLY]) == 1
    out, err = capsys.readouterr()
    assert not out  # nothing is measured if it could not be stored
    assert "cannot write" in err
    assert one_line(err)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["127.0.0.1"],
        ["127.0.0.1:0"],
        ["127.0.0.1:65536"],
        ["::1:80"],
        [".example:80"],
        ["a" * 64 + ".example:80"],
        ["localhost:80", "--protocol", "morse"],
        ["localhost:80", "--connections", "0"],
        ["localhost:80", "--connections", "many"],
        ["localhost:80", "--connections", "100001"],
        ["localhost:80", "--duration", "0"],
        ["localhost:80", "--duration", "-1s"],
        ["localhost:80", "--duration", "5 parsecs"],
        ["localhost:80", "--duration", "25h"],
        ["localhost:80", "--warmup", "25h"],
        ["localhost:80", "--timeout", "0s"],
        ["localhost:80", "--requests-per-connection", "0"],
        ["localhost:80", "--requests-per-connection", "ever"],
        ["localhost:80", "--requests-per-connection", "9" * 20],
        ["localhost:80", "--no-such-option"],
        ["talk"],
        ["talk", "localhost"],
        ["talk", "localhost:80", "--protocol", "morse"],
    ],
)
def test_cli_refuses_invalid_options_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(main, arguments) == 2
    out, err = capsys.readouterr()
    assert re.match(r"gilbench (load|talk): error: ", err)
    assert one_line(err)
    assert not out


@pytest.mark.parametrize("arguments", [["--help"], ["talk", "--help"]])
def test_cli_names_every_option_in_its_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out = capsys.readouterr().out
    assert end.value.code == 0
    assert "--protocol" in out
    assert ("--connections" in out) is (arguments == ["--help"])


def answer(*addresses: str) -> Callable[..., list[Any]]:
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]


def never(*_: object, **__: object) -> LoadResult:
    pytest.fail("the load ran")


@pytest.mark.parametrize("addresses", [["192.0.2.1"], ["127.0.0.1", "192.0.2.1"]])
def test_cli_puts_no_load_on_another_machine(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answer(*addresses))
    monkeypatch.setattr("loadgen.execution.run", never)
    assert main(["far.example:80"]) == 2
    out, err = capsys.readouterr()
    assert "--allow-remote" in err
    assert one_line(err)
    assert not out


def test_cli_puts_load_on_another_machine_when_allowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Load] = []

    def run(load: Load, **_: object) -> LoadResult:
        asked.append(load)
        return result(load)

    monkeypatch.setattr("loadgen.execution.run", run)
    assert main(["192.0.2.1:80"]) == 2
    assert not asked
    assert main(["192.0.2.1:80", "--allow-remote", "--timeout", "2m"]) == 0
    assert (asked[0].host, asked[0].port, asked[0].timeout_s) == ("192.0.2.1", 80, 120)
    assert "192.0.2.1:80" in capsys.readouterr().out


def test_cli_reports_an_unknown_host_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for arguments in (["nowhere.example:80", "--allow-remote"], ["talk", "nowhere.example:80"]):
        assert main(arguments) == 1
        out, err = capsys.readouterr()
        assert "Name or service not known" in err
        assert one_line(err)
        assert not out


def test_cli_reports_a_server_that_does_not_answer_in_one_line(closed: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"127.0.0.1:{closed}", *BRIEFLY]) == 1
    out, err = capsys.readouterr()
    assert "connection refused by" in err
    assert one_line(err)
    assert "refused" in out


def test_cli_reports_too_few_open_files_in_one_line(
    closed: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    assert main([f"127.0.0.1:{closed}", "--connections", "100"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "ulimit" in err
    assert one_line(err)


@pytest.mark.parametrize(("number", "output"), [(signal.SIGINT, "text"), (signal.SIGTERM, "json")])
def test_cli_shows_the_results_so_far_after_a_signal(number: int, output: str) -> None:
    heard = threading.Event()

    def converse(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"Yes, yes\n")
        connection.recv(1024)  # the next request: the first reply has been counted
        heard.set()
        connection.recv(1024)

    chosen = ["--json", "-"] if output == "json" else []
    with one_client(converse) as port:
        command = [*LOADGEN, f"127.0.0.1:{port}", "--duration", "50s", "--warmup", "0", *chosen]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
            assert heard.wait(300)
            process.send_signal(number)
            out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.startswith(b"interrupted")
    assert one_line(err)
    if output == "json":
        report = json.loads(out)
        assert report["cancelled"]
        assert report["requests"] == 1
        assert 0 < report["wall_s"] < 50
    else:
        assert b"throughput" in out


def test_cli_restores_the_handlers_of_signals(lines: int) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main([f"127.0.0.1:{lines}", *BRIEFLY]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# The summary.


def result(load: Load, *times_ns: int, **changes: Any) -> LoadResult:
    times_ns = times_ns or (1_000_000,)
    times = histogram(times_ns)
    fields: dict[str, Any] = {
        "load": load,
        "wall_s": 1.0,
        "requests": len(times_ns),
        "errors": {},
        "latency": times,
        "connect": times,
        "engines": (EngineUse(cpu_s=0.1, utilisation=0.1),),
        "connected": load.connections,
        "unfinished": 0,
        "oldest_unfinished_s": 0.0,
        "age_before_ns": 0,
        "age_after_ns": 0,
        "cancelled": False,
    }
    return LoadResult(**(fields | changes))


def shown(*times_ns: int, **changes: Any) -> str:
    return render(result(Load(host="127.0.0.1", port=8001), *times_ns, **changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"errors": {"reset": 2}}, "requests failed"),
        ({}, "only 1 requests"),
        ({"engines": (EngineUse(0.1, 0.95),)}, "the generator was busy 95% of the time"),
        ({}, "differ by -99.9% (Little's law)"),
        ({"age_before_ns": 800_000_000}, "straddle the window's edges took 80% of the clients' time"),
        ({"unfinished": 3, "oldest_unfinished_s": 1.5}, "3 in flight at the end, the oldest for 1.5 s"),
    ],
)
def test_summary_words_each_warning(changes: dict[str, Any], expected: str) -> None:
    assert expected in " ".join(shown(**changes).split())


def test_summary_fits_a_terminal_whatever_was_measured() -> None:
    load = Load(
        host="fe80:1234:5678:9abc:def0:1234:5678:9abc", port=65535, connections=100_000, requests_per_connection=10**9
    )
    times_ns = [999_499_999, 59_990_000_000, 999_400_000_000, HIGHEST_NS]
    errors = dict.fromkeys(ERRORS, 10**9)
    extremes = {
        "errors": errors,
        "wall_s": 86400.0,
        "requests": 10**12,
        "engines": (EngineUse(cpu_s=86400.0, utilisation=1.0),),
        "unfinished": 100_000,
        "oldest_unfinished_s": 86400.0,
        "age_before_ns": 10**19,
    }
    for text in (render(result(load, *times_ns, **extremes)), render(result(load, engines=(EngineUse(0.1, 1.0),)))):
        assert max(map(len, text.splitlines())) <= 80
        assert "warning: " in text
    assert "3,600 s" in render(result(load, *times_ns, **extremes))  # a number is never separated from its unit


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (52, "0.052 µs"),
        (1_234, "1.23 µs"),
        (999_400, "999 µs"),
        (999_600, "1 ms"),
        (45_678_000, "45.7 ms"),
        (999_600_000, "1 s"),
        (61_000_000_000, "61 s"),
        (3_599_000_000_000, "3,599 s"),
    ],
)
def test_summary_shows_times_in_units_that_fit(time_ns: int, text: str) -> None:
    assert f"max {text}\n" in shown(time_ns)


def test_summary_shows_no_times_without_an_answer() -> None:
    text = shown(requests=0, latency=Histogram(), connect=Histogram(), wall_s=0.0)
    assert text.count("none") == 2


# Arguments.


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("5s", 5), ("3m", 180), ("1h", 3600), ("2", 2), ("1.5s", 1.5), (" 2s ", 2)]
)
def test_duration_s_reads_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-1s", "1d", "1e3", "nan", "inf", "1 s", "1.s"])
def test_duration_s_refuses_anything_else(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="use 500ms"):
        duration_s(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8001", ("127.0.0.1", 8001)),
        ("localhost:1", ("localhost", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("bücher.example:80", ("bücher.example", 80)),
    ],
)
def test_host_and_port_reads_addresses(text: str, expected: tuple[str, int]) -> None:
    assert url.host_and_port(text) == expected


@pytest.mark.parametrize("text", ["", ":80", "localhost", "localhost:", "localhost:http", "::1:80", "[]:80", "x..y:80"])
def test_host_and_port_refuses_anything_else(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        url.host_and_port(text)


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("10", 10), ("1000000000", 10**9), ("keep-alive", None)])
def test_read_requests_per_connection_reads_numbers_and_keep_alive(text: str, expected: int | None) -> None:
    assert options.read_requests_per_connection(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "1000000001", "9" * 5000, "²"])
def test_requests_a_connection_refuses_anything_else(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="keep-alive"):
        options.read_requests_per_connection(text)


# Talk.


Talk = Callable[..., list[str]]


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Talk:
    """Return a function that sends typed input to a port and returns the lines shown."""

    def talk_as_typed(port: int, typed: bytes, *chosen: str) -> list[str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed)))
        assert main(["talk", f"127.0.0.1:{port}", *chosen]) == 0
        out, err = capsys.readouterr()
        assert not err
        return out.splitlines()

    return talk_as_typed


@pytest.mark.parametrize("last", [b"Q\n", b"q\r\n", b"Q", b""])
def test_talk_converses_with_the_server_of_the_tutorial(last: bytes, seed: int, talk: Talk) -> None:
    assert talk(seed, b"hello\n\nhow are you?\n" + last) == ["Yes, yes", "Yes, yes", "good-bye"]


def test_talk_converses_in_lines(lines: int, talk: Talk) -> None:
    typed = "hello\nschöne Grüße\n".encode() + b"\xff\xfe, which is no text\nQ\nnever sent\n"
    assert talk(lines, typed, "--protocol", "line") == ["Yes, yes", "Yes, yes", "Yes, yes", "good-bye"]


@pytest.mark.parametrize(("protocol", "sent"), [("seed", [b"hello", b"Q"]), ("line", [b"hello\n", b"Q\n"])])
def test_talk_sends_each_message_as_the_protocol_requires(protocol: str, sent: list[bytes], talk: Talk) -> None:
    heard: list[bytes] = []

    def converse(connection: socket.socket) -> None:
        while data := connection.recv(1024):
            heard.append(data)
            connection.sendall(b"You said " + data)

    with one_client(converse) as port:
        assert talk(port, b"hello\r\n", "--protocol", protocol) == ["You said hello", "good-bye"]
    assert heard == sent


def test_talk_shows_a_line_in_pieces_as_one_reply(talk: Talk) -> None:
    def converse(connection: socket.socket) -> None:
        while data := connection.recv(1024):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in (b"You ", b"said ", data):
                connection.sendall(piece)
                time.sleep(0.005)

    with one_client(converse) as port:
        assert talk(port, b"one\ntwo\nQ\n", "--protocol", "line") == ["You said one", "You said two", "good-bye"]


def test_talk_ends_when_the_server_closes_the_connection(talk: Talk) -> None:
    def converse(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"Yes, yes")
        connection.recv(1024)

    with one_client(converse) as port:
        assert talk(port, b"hello\nagain\nand again\n") == ["Yes, yes", "the server closed the connection"]


def test_talk_ends_when_the_server_resets_the_connection(talk: Talk) -> None:
    def converse(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with one_client(converse) as port:
        assert talk(port, b"hello\n") == ["lost the connection to the server: Connection reset by peer"]


def test_talk_reports_a_closed_port_in_one_line(closed: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["talk", f"127.0.0.1:{closed}"]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert "cannot reach" in err
    assert one_line(err)


def test_talk_says_good_bye_on_ctrl_c(seed: int) -> None:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*LOADGEN, "talk", f"127.0.0.1:{seed}"], cwd=ROOT, **pipes) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"Yes, yes\n"
        process.send_signal(signal.SIGINT)
        # Standard input stays open, so the talk does not end because of it.
        assert process.wait(300) == 0
        assert process.stdout.read() == b"\ngood-bye\n"
        assert process.stderr
        assert process.stderr.read() == b""
