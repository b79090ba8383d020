"""Every model, on every wire, under every interpreter found, held to one contract."""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple

import psutil
import pytest

from bench.interpreters.targets import Target, target_environment
from servers.framing import MAX_LINE_BYTES, WIRES
from servers.lifecycle import GRACE_S, SHORTAGE_PAUSE_S
from servers.models import MODELS
from servers.workloads import REPLY, WORKLOADS
from servers.workloads.io_wait import WAIT_S
from tests.support.interpreters import chosen
from tests.support.until import until

ROOT = Path(__file__).resolve().parent.parent
CONTROL = Path(sys.executable)
TARGETS = chosen()
WORKERS = 4  # of models that keep a pool


def can_run(target: str, model: str) -> bool:
    return TARGETS[target].release >= MODELS[model].since


HERE = [name for name, model in MODELS.items() if sys.version_info[:2] >= model.since]
PAIRS = [(target, model) for target in TARGETS for model in MODELS if can_run(target, model)]
GAPS = [(target, model) for target in TARGETS for model in MODELS if not can_run(target, model)]
CELLS = [(target, model, wire) for wire in WIRES for target, model in PAIRS]
ON_LINES = [cell for cell in CELLS if cell[-1] == "line"]
CONCURRENT = [name for name in HERE if name != "serial"]

STALL_S = 0.3
GRACE_MARGIN_S = 3.0
TIMEOUT_S = 60.0  # for what must happen; only a test that fails waits so long
STARTS = 60
STARTS_AT_ONCE = 4

by_target = pytest.mark.parametrize("target", TARGETS)
by_corner = pytest.mark.parametrize("target", chosen())
by_model = pytest.mark.parametrize("model", HERE)
by_target_and_model = pytest.mark.parametrize(("target", "model"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
by_concurrent_model = pytest.mark.parametrize("model", CONCURRENT)
IN_CORNERS = [cell for cell in CELLS if cell[0] in chosen()]
in_corners = pytest.mark.parametrize("contract", IN_CORNERS, ids="-".join, indirect=True)
ON_LINES_OF_CORNERS = [cell for cell in ON_LINES if cell[0] in chosen()]
on_lines_of_corners = pytest.mark.parametrize("contract", ON_LINES_OF_CORNERS, ids="-".join, indirect=True)
on_lines = pytest.mark.parametrize("contract", ON_LINES, ids="-".join, indirect=True)


# Servers.


class Server:
    """A server in a session of its own, so that what it leaves behind can be told from everything else."""

    def __init__(self, python: Path, *arguments: str, stdin: int = subprocess.PIPE, **options: Any) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self.process = subprocess.Popen(
            [str(python), "-m", "servers", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
            **{"cwd": ROOT, "env": target_environment(), **options},
        )
        self.pid = self.process.pid
        self.said: dict[str, Any] = {}
        self.port = 0

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], TIMEOUT_S)[0], "no ready line"
        line = self.process.stdout.readline()
        assert line, f"it ended: {self.stderr()}"
        self.said = json.loads(line)
        self.port = self.said["port"]

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
        self.ended_well()

    def ended_well(self) -> None:
        assert self.process.stdout is not None
        assert self.process.wait(TIMEOUT_S) == 0, self.stderr()
        assert not self.process.stdout.read(), "more than the ready line on standard output"
        assert not self.session(), "processes left behind"
        assert self.refuses()
        self.log()

    def stderr(self) -> str:
        # The server writes where the file's position is, which reading in the usual way would move.
        return os.pread(self._stderr.fileno(), os.fstat(self._stderr.fileno()).st_size, 0).decode()

    def log(self) -> list[dict[str, Any]]:
        """Return what was logged; anything else on standard error fails the test."""
        text = self.stderr()
        assert "Traceback" not in text, text
        lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        assert all({"event", "pid", "reason"} <= line.keys() for line in lines), text
        return lines

    def session(self) -> list[int]:
        """Return the processes that it consists of, and those that have ended and have not been reaped."""
        return [process for process in psutil.pids() if session_of(process) == self.pid]

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
    except OSError:  # it has gone
        return None


def descriptors(process: int) -> int:
    count: int = psutil.Process(process).num_fds()
    return count


# Clients.


def framed(wire: str, message: bytes) -> bytes:
    return WIRES[wire]().frame(message)


def answered(client: socket.socket, wire: str, times: int = 1) -> bool:
    """Tell whether the next replies are right."""
    expected = times * framed(wire, REPLY)
    data = b""
    while len(data) < len(expected):
        more = client.recv(len(expected) - len(data))
        if not more:
            break
        data += more
    return data == expected


def asked(client: socket.socket, wire: str, request: bytes = b"hello") -> bool:
    """Ask, and tell whether the reply is right."""
    client.sendall(framed(wire, request))
    return answered(client, wire)


def hung_up(client: socket.socket) -> bool:
    """Tell whether the server ended the connection without another word."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:  # which is how it ends if the server has not read everything
        return True


def conversed(server: Server, wire: str, quit_: bytes = b"Q") -> bool:
    """Hold a whole conversation, and tell whether it went as it should."""
    with server.connect() as client:
        good = all(asked(client, wire) for _ in range(2))
        client.sendall(framed(wire, quit_))
        return good and hung_up(client)


def overwhelm(client: socket.socket) -> None:
    """Ask and ask, and read no reply, until the server takes no more; the shortest requests have the most replies."""
    client.settimeout(1)
    with contextlib.suppress(TimeoutError, ConnectionError):
        while True:
            client.sendall(b"\n" * 10_000)
    client.settimeout(TIMEOUT_S)


def drip(client: socket.socket) -> None:
    """Send a byte now and then, for as long as the server takes it."""
    with contextlib.suppress(ConnectionError):
        for _ in range(int(TIMEOUT_S / STALL_S)):
            client.sendall(b"x")
            time.sleep(STALL_S / 3)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


# What clients may expect of a server, and what they may do to it: one server for each interpreter, model and wire.


class Contract(NamedTuple):
    """A server that several tests share, and what has been done to it that may have cost it a line of log."""

    server: Server
    target: Target
    model: str
    wire: str
    misdeeds: list[str]

    def cost_one_connection(self, misdeed: str) -> bool:
        self.misdeeds.append(misdeed)
        if self.wire == "line":  # on the other, the same may be nothing wrong
            assert until(lambda: len(self.server.log()) >= len(self.misdeeds)), misdeed
        assert len(self.server.log()) <= len(self.misdeeds), misdeed
        return conversed(self.server, self.wire)


@pytest.fixture(scope="module", params=CELLS, ids="-".join)
def contract(request: pytest.FixtureRequest) -> Iterator[Contract]:
    target, model, wire = request.param
    arguments = (model, "--wire", wire, "--stall-timeout", str(STALL_S))
    with serving(TARGETS[target].executable, *arguments) as server:
        shared = Contract(server, TARGETS[target], model, wire, [])
        yield shared
        server.end()
        assert len(server.log()) <= len(shared.misdeeds)


def test_interpreters_are_found() -> None:
    assert any(target.release == sys.version_info[:2] for target in TARGETS.values())


def test_the_ready_line_says_what_is_ready(contract: Contract) -> None:
    said = dict(contract.server.said)
    assert said.pop("port") in range(1, 65536)
    assert said == {
        "event": "ready",
        "host": "127.0.0.1",
        "pid": contract.server.pid,
        "model": contract.model,
        "workload": "echo",
        "wire": contract.wire,
        "work": {"replies": 1},
        "version": contract.target.build["version"],
        "gil_enabled": not contract.target.build["freethreaded"],
    }


@pytest.mark.parametrize("quit_", [b"Q", b"q", b"Q\r"])
def test_a_conversation_is_answered_until_it_is_ended(contract: Contract, quit_: bytes) -> None:
    assert conversed(contract.server, contract.wire, quit_)


def test_clients_are_served_at_once_as_the_model_can(contract: Contract) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contract.server.connect()) for _ in range(6)]
        at_once = MODELS[contract.model].clients_at_once(WORKERS) or len(clients)
        for client in clients:
            client.sendall(framed(contract.wire, b"hello"))
        assert all(answered(client, contract.wire) for client in clients[:at_once])
        assert not select.select(clients[at_once:], [], [], 0)[0]
        for number, client in enumerate(clients):
            assert number < at_once or answered(client, contract.wire)
            assert asked(client, contract.wire)
            client.sendall(framed(contract.wire, b"Q"))
            assert hung_up(client)


@in_corners
@pytest.mark.parametrize("garbage", [bytes(set(range(256)) - {ord("\n")}), b"\xc3\x28\xff\xfe", b"\x00"])
def test_bytes_that_are_no_text_are_answered(contract: Contract, garbage: bytes) -> None:
    with contract.server.connect() as client:
        assert asked(client, contract.wire, garbage)
        assert asked(client, contract.wire)


@on_lines
def test_lines_in_one_segment_are_all_answered(contract: Contract) -> None:
    with contract.server.connect() as client:
        client.sendall(b"hello\n" * 5 + b"hello\r\n" * 5 + b"Q\nhello\n")
        assert answered(client, "line", times=10)
        assert hung_up(client)


@on_lines
def test_a_line_may_be_cut_at_any_byte(contract: Contract) -> None:
    line = b"hello\r\n"
    with contract.server.connect() as client:
        for place in range(1, len(line)):
            client.sendall(line[:place])
            time.sleep(0.002)  # else both parts arrive as one
            client.sendall(line[place:])
            assert answered(client, "line")


@on_lines
def test_a_longest_line_is_answered_and_a_longer_one_is_not(contract: Contract) -> None:
    with contract.server.connect() as client:
        assert asked(client, "line", b"x" * MAX_LINE_BYTES)
        with contextlib.suppress(ConnectionError):  # it may have hung up before all is sent
            client.sendall(b"x" * MAX_LINE_BYTES + b"x\nhello\n")
        assert hung_up(client)
    assert contract.cost_one_connection("a line too long")


@on_lines_of_corners
def test_a_client_that_stalls_is_dropped(contract: Contract) -> None:
    with contract.server.connect() as client:
        assert asked(client, "line")
        since_s = time.monotonic()
        client.sendall(b"hel")
        assert hung_up(client)
        assert time.monotonic() - since_s >= STALL_S
    assert contract.cost_one_connection("stalled")


def test_a_client_may_leave_in_the_middle(contract: Contract) -> None:
    with contract.server.connect() as client:
        assert asked(client, contract.wire)
        client.sendall(b"hel")
    assert contract.cost_one_connection("left")


@in_corners
@pytest.mark.parametrize("last_words", [b"", b"hel", b"hello\n" * 3000], ids=["none", "half a line", "many lines"])
def test_a_client_may_reset_at_any_time(contract: Contract, last_words: bytes) -> None:
    client = contract.server.connect()
    assert asked(client, contract.wire)
    client.sendall(last_words)
    reset(client)
    assert contract.cost_one_connection("reset")


@on_lines
def test_no_process_is_left_of_conversations_ended(contract: Contract) -> None:
    assert all(conversed(contract.server, "line") for _ in range(20))
    before = len(contract.server.session()) if MODELS[contract.model].pooled else 1
    assert all(conversed(contract.server, "line") for _ in range(20))
    assert until(lambda: len(contract.server.session()) == before)


# How a server ends, under every interpreter.


@by_target_and_model
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_once_what_is_in_hand_is_finished(target: str, model: str, number: signal.Signals) -> None:
    with serving(TARGETS[target].executable, model, "--workload", "io") as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(1 if model == "serial" else WORKERS)]
        assert all(asked(client, "line") for client in clients)
        busy = clients[::2]
        for client in busy:
            client.sendall(b"hello\n")
        since_s = time.monotonic()
        server.process.send_signal(number)
        assert all(answered(client, "line") for client in busy)
        assert all(hung_up(client) for client in clients)
        assert time.monotonic() - since_s < GRACE_S  # later, it was no more than the end of its grace
        server.ended_well()
        assert not server.log()


@by_target_and_model
def test_a_signal_right_after_the_ready_line_ends_it(target: str, model: str) -> None:
    with serving(TARGETS[target].executable, model) as server:
        since_s = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert until(server.refuses)
        assert time.monotonic() - since_s < GRACE_S
        server.ended_well()
        assert not server.log()


@by_target_and_model
def test_signals_to_all_its_processes_again_and_again_end_it_as_one_does(target: str, model: str) -> None:
    with serving(TARGETS[target].executable, model) as server, server.connect() as client:
        assert asked(client, "line")
        while server.process.poll() is None:
            os.killpg(server.pid, signal.SIGINT)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.001)
        server.ended_well()
        assert hung_up(client)
        assert not server.log()


@by_target_and_model
def test_the_end_of_standard_input_ends_it(target: str, model: str) -> None:
    with serving(TARGETS[target].executable, model) as server, contextlib.ExitStack() as stack:
        if model in CONCURRENT:
            assert asked(stack.enter_context(server.connect()), "line")
        assert server.process.stdin is not None
        server.process.stdin.close()
        server.ended_well()
        assert not server.log()


# What does not depend on the interpreter.


@by_model
def test_without_a_lifeline_standard_input_may_end(model: str) -> None:
    with serving(CONTROL, model, lifeline=False) as server:
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert conversed(server, "line")
        server.end()


@by_model
def test_a_lifeline_may_be_no_pipe(model: str) -> None:
    with serving(CONTROL, model, stdin=subprocess.DEVNULL) as server:
        server.ended_well()
        assert server.process.returncode == 0
        assert not server.log()


def for_every_model_at_once(check: Callable[[str], None]) -> None:
    with ThreadPoolExecutor(len(HERE)) as pool:
        for _ in pool.map(check, HERE):
            pass


def test_a_client_that_does_not_read_keeps_no_server_beyond_its_grace() -> None:
    def check(model: str) -> None:
        with serving(CONTROL, model) as server, server.connect(receive_buffer=1024) as client:
            overwhelm(client)
            since_s = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            if model in CONCURRENT:
                assert until(server.refuses)
                assert time.monotonic() - since_s < GRACE_S / 2
            assert server.process.poll() is None
            server.ended_well()
            assert time.monotonic() - since_s < GRACE_S + GRACE_MARGIN_S

    for_every_model_at_once(check)


def test_a_client_that_asks_for_much_keeps_no_server_beyond_its_grace() -> None:
    def check(model: str) -> None:
        with serving(CONTROL, model, "--workload", "cpu") as server, server.connect() as client:
            client.sendall(b"\n" * 60_000)  # a minute's work
            assert client.recv(1)
            since_s = time.monotonic()
            server.end()
            # Where the worker has the GIL, and gives it away for no longer than a send takes, the main thread waits.
            assert time.monotonic() - since_s < GRACE_S + 5 * GRACE_MARGIN_S

    for_every_model_at_once(check)


def test_an_interpreter_may_take_its_time_to_end(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    at_exit = f"time.sleep({GRACE_S + 0.5}), pathlib.Path({str(ended)!r}).touch()"
    (tmp_path / "sitecustomize.py").write_text(
        f"import atexit, pathlib, time\natexit.register(lambda: ({at_exit}))\n", encoding="utf-8"
    )
    with serving(CONTROL, "serial", env=target_environment() | {"PYTHONPATH": str(tmp_path)}) as server:
        server.end()
    assert ended.exists()


# Where each request is handed on, it takes long to fill a buffer with replies; these converse as asyncio does.
@pytest.mark.parametrize("model", [name for name in HERE if name not in {"asyncio-threads", "process-pool"}])
def test_a_client_that_does_not_read_is_dropped(model: str) -> None:
    with serving(CONTROL, model, "--stall-timeout", str(STALL_S)) as server:
        assert conversed(server, "line")
        time.sleep(0.1)  # a pool's workers may answer before its main thread waits for signals, and has a pipe for it
        before, processes = descriptors(server.pid), len(server.session()) if MODELS[model].pooled else 1
        with server.connect(receive_buffer=1024) as client:
            overwhelm(client)
            assert until(server.log)
            assert until(lambda: descriptors(server.pid) == before)
            assert until(lambda: len(server.session()) == processes)
            assert conversed(server, "line")
        assert len(server.log()) == 1
        server.end()


@by_model
def test_a_client_that_drips_is_dropped(model: str) -> None:
    with serving(CONTROL, model, "--stall-timeout", str(STALL_S)) as server, server.connect() as client:
        drip(client)
        assert hung_up(client)
        assert len(server.log()) == 1


@by_model
def test_a_client_that_always_has_half_a_line_under_way_is_not_dropped(model: str) -> None:
    with serving(CONTROL, model, "--stall-timeout", str(STALL_S)) as server, server.connect() as client:
        client.sendall(b"hel")
        deadline_s = time.monotonic() + 2 * STALL_S
        while time.monotonic() < deadline_s:
            client.sendall(b"lo\nhel")
            assert answered(client, "line")
            time.sleep(STALL_S / 20)
        client.sendall(b"lo\nQ\n")
        assert answered(client, "line")
        assert hung_up(client)
        assert not server.log()


@pytest.mark.parametrize("model", ["threaded", "asyncio"])  # those that keep the descriptors of all their clients
def test_too_few_descriptors_are_waited_out(model: str) -> None:
    with serving(CONTROL, model) as server, contextlib.ExitStack() as stack:
        since_s = time.monotonic()
        assert conversed(server, "line")
        few = descriptors(server.pid) + 4
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (few, few))
        clients = [stack.enter_context(server.connect()) for _ in range(10)]
        assert until(server.log)
        for client in clients:  # each of the first makes room for one of the last
            assert asked(client, "line")
            client.close()
        assert conversed(server, "line")
        server.end()
        assert {line["event"] for line in server.log()} == {"accept_failed"}
        assert len(server.log()) <= 1 + (time.monotonic() - since_s) / SHORTAGE_PAUSE_S


def does(python: Path, model: str, workload: str) -> bool:
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving(python, model, "--workload", workload, env=target_environment() | {"TMPDIR": scratch}) as server,
    ):
        assert server.said["workload"] == workload
        assert server.said["work"] == importlib.import_module(WORKLOADS[workload].module).WORK
        with server.connect() as client:
            assert asked(client, "line")
            since_s = time.monotonic()
            return asked(client, "line") and time.monotonic() - since_s >= (WAIT_S if workload == "io" else 0)


@by_target_and_model
def test_every_model_does_every_workload_under_every_interpreter(target: str, model: str) -> None:
    python = TARGETS[target].executable
    with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
        done = dict(zip(WORKLOADS, pool.map(lambda workload: does(python, model, workload), WORKLOADS), strict=True))
    assert done == dict.fromkeys(WORKLOADS, True)


@by_model
def test_many_starts_and_ends_leave_nothing_behind(model: str, tmp_path: Path) -> None:
    env = target_environment() | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    before = descriptors(os.getpid())

    def start_and_end(_: int) -> int:
        with serving(CONTROL, model, cwd=tmp_path, env=env) as server, server.connect() as client:
            assert asked(client, "line")
            server.process.send_signal(signal.SIGTERM)
            assert hung_up(client)
            assert server.process.wait(TIMEOUT_S) == 0
            assert not server.log()
            return server.pid

    with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
        sessions = set(pool.map(start_and_end, range(STARTS)))
    assert not sessions & {session_of(process) for process in psutil.pids()}
    assert descriptors(os.getpid()) == before
    assert not list(tmp_path.iterdir())


# Clients of the simplest kind.


TEN_LINES = """\
import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
    for word in ("Hello?", "Anyone?", "Still there?"):
        server.sendall(word.encode())
        print(server.recv(1024).decode())
    server.sendall(b"Q")
    print(server.recv(1024))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_hand_written_client_is_served() -> None:
    port = free_port()
    with serving(CONTROL, "threaded", "--wire", "seed", "--port", str(port)) as server:
        assert server.port == port
        client = subprocess.run([CONTROL, "-c", TEN_LINES, str(port)], capture_output=True, text=True, check=True)
        assert client.stdout == "Yes, yes\n" * 3 + "b''\n"
        server.end()
        assert not server.log()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_lines_typed_into_a_terminal_are_served(line_end: bytes) -> None:
    with serving(CONTROL, "threaded", "--wire", "seed") as server, server.connect() as client:
        for _ in range(3):
            client.sendall(b"hello" + line_end)
            assert answered(client, "seed")
        client.sendall(b"Q" + line_end)
        assert hung_up(client)


@pytest.mark.parametrize(("target", "model"), GAPS, ids=["-".join(gap) for gap in GAPS])
def test_a_model_that_cannot_run_says_what_it_needs(target: str, model: str) -> None:
    command = [str(TARGETS[target].executable), "-m", "servers", model]
    done = subprocess.run(command, cwd=ROOT, env=target_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    needs, has = (".".join(map(str, version)) for version in (MODELS[model].since, TARGETS[target].release))
    assert done.stderr == f"python -m servers: error: {model} needs CPython {needs}, and this is {has}\n"


# What happens to workers.


@by_target
def test_a_worker_that_is_killed_is_replaced_and_costs_no_other_client(target: str) -> None:
    with serving(TARGETS[target].executable, "prefork") as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(WORKERS)]
        assert all(asked(client, "line") for client in clients)
        workers = workers_of(server)
        assert len(workers) == WORKERS
        os.kill(workers[0], signal.SIGKILL)
        assert until(lambda: [line["event"] for line in server.log()] == ["worker_replaced"])
        assert sum(survives(client) for client in clients) == WORKERS - 1  # it had one in hand
        assert asked(stack.enter_context(server.connect()), "line")
        assert len(workers_of(server)) == WORKERS
        server.end()


@by_corner
def test_a_killed_worker_of_the_process_pool_costs_its_own_request_alone(target: str) -> None:
    with (
        serving(TARGETS[target].executable, "process-pool", "--workload", "io") as server,
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(server.connect()) for _ in range(WORKERS)]
        assert all(asked(client, "line") for client in clients)
        workers = workers_of(server)
        assert len(workers) == WORKERS
        for worker in workers[:2]:  # they are idle: nobody loses anything
            os.kill(worker, signal.SIGKILL)
        assert until(lambda: all(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in workers[:2]))
        for _ in range(WORKERS):
            assert all(survives(client) for client in clients)
        assert [line["event"] for line in server.log()] == ["worker_replaced"] * 2
        assert len(workers_of(server)) == WORKERS
        server.end()


def workers_of(server: Server) -> list[int]:
    return [child.pid for child in psutil.Process(server.pid).children()]


def survives(client: socket.socket) -> bool:
    try:
        return asked(client, "line")
    except OSError:
        return False


# What is typed wrongly.


WRONG = {
    "no model": ([], "MODEL"),
    "an unknown model": (["nosuch"], "multiprocess"),
    "an unknown workload": (["serial", "--workload", "nosuch"], "cpu"),
    "an unknown wire": (["serial", "--wire", "nosuch"], "seed"),
    "a port that is no number": (["serial", "--port", "http"], "from 0 to 65535"),
    "a port too high": (["serial", "--port", "65536"], "from 0 to 65535"),
    "a port too low": (["serial", "--port", "-1"], "from 0 to 65535"),
    "an address elsewhere": (["serial", "--host", "203.0.113.1"], "choose another with --host"),
    "an address that is none": (["serial", "--host", "\u00e4..b"], "choose another with --host"),
    "workers where there is no pool": (["threaded", "--workers", "4"], "threaded keeps no pool of workers"),
    "no workers": (["threaded", "--workers", "0"], "from 1 to"),
    "no patience": (["serial", "--stall-timeout", "0"], "from 0.001 to"),
    "endless patience": (["serial", "--stall-timeout", "nan"], "to 86400"),
}


def refused_in_one_line(command: Sequence[str | Path]) -> str:
    """Return the line on standard error with which a command was refused."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=target_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        start_new_session=True,
    )
    assert done.returncode in {1, 2}
    assert not done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("python -m servers: error: ")
    return done.stderr


@by_corner
@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_line_that_helps(target: str, what: str) -> None:
    arguments, helps = WRONG[what]
    assert helps in refused_in_one_line([TARGETS[target].executable, "-m", "servers", *arguments])


@by_target
def test_a_port_in_use_is_one_line_that_helps(target: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        line = refused_in_one_line([TARGETS[target].executable, "-m", "servers", "serial", "--port", port])
    assert port in line
    assert "in use" in line
    assert "--port (0: any free one)" in line


def test_a_lifeline_that_is_closed_is_one_line_that_helps() -> None:
    command = 'exec "$0" -m servers serial --lifeline <&-'
    assert "leave --lifeline out" in refused_in_one_line(["sh", "-c", command, CONTROL])
