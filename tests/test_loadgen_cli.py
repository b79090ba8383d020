"""The load generator's command lines, as people and scripts meet them."""

from __future__ import annotations

import contextlib
import json
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

import numpy as np
import pytest

from loadgen import Load, LoadResult, options
from loadgen.__main__ import main
from loadgen.hdr_encoding import HIGHEST_NS
from loadgen.histogram import BUCKETS, Histogram, bucket_of
from loadgen.result import EngineUse
from loadgen.summary import render
from loadgen.workspace import ERRORS
from tests.support.reference import reference_server

ROOT = Path(__file__).parent.parent
LOADGEN = [sys.executable, "-m", "loadgen"]
BRIEFLY = ("--duration", "150ms", "--warmup", "0")
KEYS = {
    *("requests", "errors", "statuses", "wall_s", "throughput_rps", "cpu_s", "utilisation", "engines"),
    *("latency_ns", "latency_interval_ns", "latency_censored", "service_ns", "connect_ns", "lateness_ns"),
    *("connections", "connected", "threads", "wire", "loop", "arrivals", "conversation", "intended_rps"),
    *("late_sends", "server", "unfinished", "oldest_unfinished_s", "cancelled", "belief", "warnings"),
}


@pytest.fixture(scope="module")
def lines() -> Iterator[int]:
    with reference_server("threaded", "--wire", "line") as port:
        yield port


@pytest.fixture(scope="module")
def seed() -> Iterator[int]:
    with reference_server("threaded", "--wire", "seed") as port:
        yield port


@pytest.fixture
def closed() -> Iterator[int]:
    """A port that refuses: nobody listens on it, and nobody else can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextlib.contextmanager
def one_client(converse: Callable[[socket.socket], None]) -> Iterator[int]:
    """Converse with the first that connects, and take no other."""
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


def started(*arguments: str, typed: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*LOADGEN, *arguments], cwd=ROOT, input=typed, capture_output=True, check=False, timeout=60)


def one_line(text: str | bytes) -> bool:
    text = text if isinstance(text, str) else text.decode()
    return text.count("\n") == 1 and text.endswith("\n") and "Traceback" not in text


# Putting load on.


def test_the_summary_fits_a_terminal(lines: int) -> None:
    done = started(f"127.0.0.1:{lines}", "--connections", "64", "--conversation", "10", *BRIEFLY)
    out = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert max(map(len, out.splitlines())) <= 80
    for word in ("closed loop, 64 clients", "throughput", "latency", "p999", "connect", "generator"):
        assert word in out


def test_json_stands_alone_on_standard_output(lines: int) -> None:
    done = started(f"127.0.0.1:{lines}", "--connections", "3", "--conversation", "5", "--json", "-", *BRIEFLY)
    assert (done.returncode, done.stderr) == (0, b"")
    assert one_line(done.stdout)
    told = json.loads(done.stdout)
    assert set(told) == KEYS
    assert list(told["latency_ns"]) == ["min", "mean", "p50", "p90", "p99", "p999", "max"]
    assert list(told["connect_ns"]) == ["p50", "p99", "max"]
    assert sorted(told["latency_ns"][name] for name in ("p50", "p90", "p99", "p999", "max", "min")) == [
        told["latency_ns"][name] for name in ("min", "p50", "p90", "p99", "p999", "max")
    ]
    assert told["requests"] > 0
    assert told["throughput_rps"] == pytest.approx(told["requests"] / told["wall_s"])
    assert (told["connections"], told["conversation"], told["loop"], told["threads"]) == (3, 5, "closed", 1)
    assert (told["errors"], told["cancelled"], told["intended_rps"], told["late_sends"]) == ({}, False, None, None)


def test_json_goes_to_a_file_beside_the_summary(lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "result.json"
    assert main([f"localhost:{lines}", "--json", str(file), *BRIEFLY]) == 0
    out, err = capsys.readouterr()
    assert "throughput" in out
    assert not err
    told = json.loads(file.read_text(encoding="utf-8"))
    assert set(told) == KEYS
    assert told["conversation"] is None


@pytest.mark.parametrize("where", ["nowhere/result.json", "."])
def test_a_file_that_cannot_be_written_is_one_line(
    where: str, lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"127.0.0.1:{lines}", "--json", str(tmp_path / where), *BRIEFLY]) == 1
    out, err = capsys.readouterr()
    assert not out  # nothing is measured that could not be kept
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
        ["localhost:80", "--wire", "morse"],
        ["localhost:80", "--connections", "0"],
        ["localhost:80", "--connections", "many"],
        ["localhost:80", "--connections", "100001"],
        ["localhost:80", "--duration", "0"],
        ["localhost:80", "--duration", "-1s"],
        ["localhost:80", "--duration", "5 parsecs"],
        ["localhost:80", "--duration", "25h"],
        ["localhost:80", "--warmup", "25h"],
        ["localhost:80", "--timeout", "0s"],
        ["localhost:80", "--conversation", "0"],
        ["localhost:80", "--conversation", "ever"],
        ["localhost:80", "--conversation", "9" * 20],
        ["localhost:80", "--no-such-option"],
        ["talk"],
        ["talk", "localhost"],
        ["talk", "localhost:80", "--wire", "morse"],
    ],
)
def test_wrong_options_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert err.startswith("python -m loadgen")
    assert ": error: " in err
    assert one_line(err)
    assert not out


@pytest.mark.parametrize("arguments", [["--help"], ["talk", "--help"]])
def test_help_names_every_option(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out = capsys.readouterr().out
    assert end.value.code == 0
    assert "--wire" in out
    assert ("--connections" in out) is (arguments == ["--help"])


def answer(*addresses: str) -> Callable[..., list[Any]]:
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]


def never(*_: object, **__: object) -> LoadResult:
    pytest.fail("load was put on")


@pytest.mark.parametrize("addresses", [["192.0.2.1"], ["127.0.0.1", "192.0.2.1"]])
def test_another_machine_is_left_alone(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answer(*addresses))
    monkeypatch.setattr("loadgen.cli.run", never)
    with pytest.raises(SystemExit) as end:
        main(["far.example:80"])
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert "--allow-remote" in err
    assert one_line(err)
    assert not out


def test_another_machine_may_be_allowed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Load] = []

    def run(load: Load, **_: object) -> LoadResult:
        asked.append(load)
        return result(load)

    monkeypatch.setattr("loadgen.cli.run", run)
    with pytest.raises(SystemExit):
        main(["192.0.2.1:80"])
    assert not asked
    assert main(["192.0.2.1:80", "--allow-remote", "--timeout", "2m"]) == 0
    assert (asked[0].host, asked[0].port, asked[0].timeout_s) == ("192.0.2.1", 80, 120)
    assert "192.0.2.1:80" in capsys.readouterr().out


def test_an_unknown_host_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for arguments in (["nowhere.example:80", "--allow-remote"], ["talk", "nowhere.example:80"]):
        assert main(arguments) == 1
        out, err = capsys.readouterr()
        assert "Name or service not known" in err
        assert one_line(err)
        assert not out


def test_a_dead_server_is_one_line(closed: int) -> None:
    done = started(f"127.0.0.1:{closed}", *BRIEFLY)
    assert done.returncode == 1
    assert b"no request was answered" in done.stderr
    assert one_line(done.stderr)
    assert b"refused" in done.stdout


def test_too_few_open_files_are_one_line(closed: int) -> None:
    code = f"""
import resource, sys
from loadgen.__main__ import main
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
sys.exit(main(["127.0.0.1:{closed}", "--connections", "100"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"ulimit" in done.stderr
    assert one_line(done.stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_signal_ends_it_with_the_results_so_far(number: int, output: str) -> None:
    heard = threading.Event()

    def converse(connection: socket.socket) -> None:
        while connection.recv(1024):
            connection.sendall(b"Yes, yes\n")
            heard.set()

    chosen = ["--json", "-"] if output == "json" else []
    with one_client(converse) as port:
        command = [*LOADGEN, f"127.0.0.1:{port}", "--duration", "50s", "--warmup", "0", *chosen]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
            assert heard.wait(30)
            time.sleep(0.2)
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.startswith(b"interrupted")
    assert one_line(err)
    if output == "json":
        told = json.loads(out)
        assert told["cancelled"]
        assert told["requests"] > 0
        assert 0.1 < told["wall_s"] < 20
    else:
        assert b"throughput" in out


def test_signals_are_handed_back(lines: int) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main([f"127.0.0.1:{lines}", "--duration", "20ms", "--warmup", "0"]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# What the summary says.


def result(load: Load, *times_ns: int, **changes: Any) -> LoadResult:
    times_ns = times_ns or (1_000_000,)
    counts = np.zeros(BUCKETS, np.int64)
    for time_ns in times_ns:
        counts[bucket_of(time_ns)] += 1
    times = Histogram(counts, min(times_ns), max(times_ns), sum(times_ns))
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
        ({"age_before_ns": 800_000_000}, "straddle the window's edges are 80% of the time"),
        ({"unfinished": 3, "oldest_unfinished_s": 1.5}, "3 in flight for 1.500 s at most"),
    ],
)
def test_warnings_are_told_in_words(changes: dict[str, Any], expected: str) -> None:
    assert expected in " ".join(shown(**changes).split())


def test_every_line_fits_whatever_was_measured() -> None:
    load = Load(host="fe80:1234:5678:9abc:def0:1234:5678:9abc", port=65535, connections=100_000, conversation=10**9)
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
    assert "3,600 s" in render(result(load, *times_ns, **extremes))  # a number is never parted from its unit


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
def test_times_are_told_in_units_that_fit(time_ns: int, text: str) -> None:
    assert f"max {text}\n" in shown(time_ns)


def test_no_answer_has_no_times() -> None:
    text = shown(requests=0, latency=Histogram(), connect=Histogram(), wall_s=0.0)
    assert text.count("none") == 2


# What is typed.


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("5s", 5), ("3m", 180), ("1h", 3600), ("2", 2), ("1.5s", 1.5), (" 2s ", 2)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert options.duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-1s", "1d", "1e3", "nan", "inf", "1 s", "1.s"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="write 500ms"):
        options.duration_s(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8001", ("127.0.0.1", 8001)),
        ("localhost:1", ("localhost", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("bücher.example:80", ("bücher.example", 80)),
    ],
)
def test_addresses_are_read(text: str, expected: tuple[str, int]) -> None:
    assert options.host_and_port(text) == expected


@pytest.mark.parametrize("text", ["", ":80", "localhost", "localhost:", "localhost:http", "::1:80", "[]:80", "x..y:80"])
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        options.host_and_port(text)


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("10", 10), ("1000000000", 10**9), ("keepalive", None)])
def test_lengths_of_a_conversation_are_read(text: str, expected: int | None) -> None:
    assert options.requests_a_connection(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "1000000001", "9" * 5000, "²"])
def test_other_lengths_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="keepalive"):
        options.requests_a_connection(text)


# Talking.


def talk(port: int, typed: bytes, *chosen: str) -> list[str]:
    """Talk as typed and return what was shown, having ended politely."""
    done = started("talk", f"127.0.0.1:{port}", *chosen, typed=typed)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize("last", [b"Q\n", b"q\r\n", b"Q", b""])
def test_a_conversation_with_the_tutorials_server(last: bytes, seed: int) -> None:
    assert talk(seed, b"hello\n\nhow are you?\n" + last) == ["Yes, yes", "Yes, yes", "good-bye"]


def test_a_conversation_in_lines(lines: int) -> None:
    typed = "hello\nschöne Grüße\n".encode() + b"\xff\xfe, which is no text\nQ\nnever sent\n"
    assert talk(lines, typed, "--wire", "line") == ["Yes, yes", "Yes, yes", "Yes, yes", "good-bye"]


@pytest.mark.parametrize(("wire", "sent"), [("seed", [b"hello", b"Q"]), ("line", [b"hello\n", b"Q\n"])])
def test_every_message_is_sent_as_the_wire_wants_it(wire: str, sent: list[bytes]) -> None:
    heard: list[bytes] = []

    def converse(connection: socket.socket) -> None:
        while data := connection.recv(1024):
            heard.append(data)
            connection.sendall(b"You said " + data)

    with one_client(converse) as port:
        assert talk(port, b"hello\r\n", "--wire", wire) == ["You said hello", "good-bye"]
    assert heard == sent


def test_a_line_that_comes_in_pieces_is_one_reply() -> None:
    def converse(connection: socket.socket) -> None:
        while data := connection.recv(1024):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in (b"You ", b"said ", data):
                connection.sendall(piece)
                time.sleep(0.02)

    with one_client(converse) as port:
        assert talk(port, b"one\ntwo\nQ\n", "--wire", "line") == ["You said one", "You said two", "good-bye"]


def test_a_server_that_hangs_up_ends_it() -> None:
    def converse(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"Yes, yes")
        connection.recv(1024)

    with one_client(converse) as port:
        assert talk(port, b"hello\nagain\nand again\n") == ["Yes, yes", "the server ended the conversation"]


def test_a_server_that_breaks_down_ends_it() -> None:
    def converse(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with one_client(converse) as port:
        assert talk(port, b"hello\n") == ["the server went away: Connection reset by peer"]


def test_nobody_to_talk_to_is_one_line(closed: int) -> None:
    done = started("talk", f"127.0.0.1:{closed}")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"cannot reach" in done.stderr
    assert one_line(done.stderr)


def test_ctrl_c_ends_the_talk_politely(seed: int) -> None:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*LOADGEN, "talk", f"127.0.0.1:{seed}"], cwd=ROOT, **pipes) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"Yes, yes\n"
        process.send_signal(signal.SIGINT)
        # Standard input stays open: it is not its end that ends the talk.
        assert process.wait(20) == 0
        assert process.stdout.read() == b"\ngood-bye\n"
        assert process.stderr
        assert process.stderr.read() == b""
