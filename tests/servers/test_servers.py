"""The contract of the servers: every model and protocol, under the oldest, the newest and the free-threaded CPython.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.

Tests that depend on the interpreter's internals (signals, threads, event loops) run under each of them, the others only
under the newest. Tests that leave a server unharmed share it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pytest

from bench.interpreters.interpreter import Interpreter, interpreter_environment
from bench.paths import ROOT
from servers import conversation, coroutine, lifecycle
from servers.conversation import Handler
from servers.framing import MAX_LINE_BYTES, PROTOCOLS
from servers.lifecycle import SHORTAGE_PAUSE_S
from servers.models import MODELS
from servers.workloads import REPLY, WORKLOADS
from servers.workloads.io_wait import WAIT_S
from tests.support.interpreters import chosen, found, with_gil
from tests.support.serving import (
    NO_GRACE_S,
    TIMEOUT_S,
    WORKERS,
    Server,
    answered,
    asked,
    assert_logs,
    closed_by_server,
    conversed,
    drained,
    framed,
    reset,
    serving,
    session_of,
)
from tests.support.until import until

INTERPRETERS = chosen()
NEWEST = with_gil()[0]
PYTHON = INTERPRETERS[NEWEST].program


def can_run(interpreter: str, model: str) -> bool:
    return INTERPRETERS[interpreter].release >= MODELS[model].since


HERE = [name for name in MODELS if can_run(NEWEST, name)]
PAIRS = [(interpreter, model) for interpreter in INTERPRETERS for model in MODELS if can_run(interpreter, model)]
GAPS = [(interpreter, model) for interpreter in INTERPRETERS for model in MODELS if not can_run(interpreter, model)]
ON_LINES = [(interpreter, model, "line") for interpreter, model in PAIRS]
ON_OTHER_PROTOCOLS = [(NEWEST, model, protocol) for protocol in PROTOCOLS if protocol != "line" for model in HERE]
CONCURRENT = [name for name in HERE if name != "serial"]

STALL_S = 0.2
GRACE_S = 0.2
STARTS = 6
AT_ONCE = 4

by_interpreter = pytest.mark.parametrize("interpreter", INTERPRETERS)
by_model = pytest.mark.parametrize("model", HERE)
by_interpreter_and_model = pytest.mark.parametrize(("interpreter", "model"), PAIRS, ids=map("-".join, PAIRS))
on_lines = pytest.mark.parametrize("contract", ON_LINES, ids=map("-".join, ON_LINES), indirect=True)


def for_all_at_once(check: Callable[..., None], cases: Iterable[tuple[str, ...]]) -> None:
    """Check several servers at the same time, since checks mostly wait."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda case: check(*case), cases):
            pass


# Clients' expectations, and their misdeeds.


class Contract(NamedTuple):
    """A server shared by several tests, and the misdeeds of clients, each of which may have caused a log line."""

    server: Server
    interpreter: Interpreter
    model: str
    protocol: str
    misdeeds: list[str]

    def assert_costs_one_connection(self, misdeed: str) -> None:
        self.misdeeds.append(misdeed)
        if self.protocol == "line":
            assert_logs(self.server, len(self.misdeeds))
        assert len(self.server.log()) <= len(self.misdeeds), misdeed  # other protocols may allow it
        assert conversed(self.server, self.protocol)


@pytest.fixture(scope="module", params=[*ON_LINES, *ON_OTHER_PROTOCOLS], ids="-".join)
def contract(request: pytest.FixtureRequest) -> Iterator[Contract]:
    interpreter, model, protocol = request.param
    # On a busy machine a client may pause for a long time within a request.
    arguments = (model, "--protocol", protocol, "--stall-timeout", str(TIMEOUT_S))
    with serving(INTERPRETERS[interpreter].program, *arguments) as server:
        shared = Contract(server, INTERPRETERS[interpreter], model, protocol, [])
        yield shared
        server.end()
        assert len(server.log()) <= len(shared.misdeeds)


def test_discover_finds_the_interpreter_of_the_tests() -> None:
    assert any(interpreter.release == sys.version_info[:2] for interpreter in found())


def test_servers_announce_what_they_serve_in_the_ready_line(contract: Contract) -> None:
    line = dict(contract.server.ready_line)
    assert line.pop("port") in range(1, 65536)
    assert line == {
        "event": "ready",
        "host": "127.0.0.1",
        "pid": contract.server.pid,
        "model": contract.model,
        "workload": "echo",
        "protocol": contract.protocol,
        "work": {"replies": 1},
        "workers": WORKERS if MODELS[contract.model].pooled else None,
        "version": contract.interpreter.build.version,
        "gil_enabled": not contract.interpreter.build.freethreaded,
    }


def test_servers_answer_until_the_client_quits(contract: Contract) -> None:
    for quit_ in (b"Q", b"q", b"Q\r"):
        assert conversed(contract.server, contract.protocol, quit_), quit_


def test_servers_serve_as_many_clients_at_once_as_the_model_can(contract: Contract) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contract.server.connect()) for _ in range(WORKERS + 2)]
        at_once = MODELS[contract.model].clients_at_once(WORKERS) or len(clients)
        for client in clients:
            client.sendall(framed(contract.protocol, b"hello"))
        assert all(answered(client, contract.protocol) for client in clients[:at_once])
        assert not select.select(clients[at_once:], [], [], 0)[0]
        for number, client in enumerate(clients):
            assert number < at_once or answered(client, contract.protocol)
            assert asked(client, contract.protocol)
            client.sendall(framed(contract.protocol, b"Q"))
            assert closed_by_server(client)


def test_servers_answer_bytes_that_are_not_text(contract: Contract) -> None:
    with contract.server.connect() as client:
        for garbage in (bytes(set(range(256)) - {ord("\n")}), b"\xc3\x28\xff\xfe", b"\x00"):
            assert asked(client, contract.protocol, garbage), garbage
        assert asked(client, contract.protocol)


@on_lines
def test_servers_answer_all_lines_of_one_segment(contract: Contract) -> None:
    with contract.server.connect() as client:
        client.sendall(b"hello\n" * 5 + b"hello\r\n" * 5 + b"Q\nhello\n")
        assert answered(client, "line", times=10)
        assert closed_by_server(client)


@on_lines
def test_servers_accept_a_line_that_is_cut_at_any_byte(contract: Contract) -> None:
    line = b"hello\r\n"
    with contract.server.connect() as client:
        for place in range(1, len(line)):
            client.sendall(line[:place])
            time.sleep(0.002)  # otherwise both parts arrive together
            client.sendall(line[place:])
            assert answered(client, "line")


@on_lines
def test_servers_answer_a_longest_line_and_drop_a_longer_one(contract: Contract) -> None:
    with contract.server.connect() as client:
        assert asked(client, "line", b"x" * MAX_LINE_BYTES)
        with contextlib.suppress(ConnectionError):  # it may close before everything is sent
            client.sendall(b"x" * MAX_LINE_BYTES + b"x\nhello\n")
        assert closed_by_server(client)
    contract.assert_costs_one_connection("a line too long")


def test_servers_survive_a_client_that_leaves_in_a_request(contract: Contract) -> None:
    with contract.server.connect() as client:
        assert asked(client, contract.protocol)
        client.sendall(b"hel")
    contract.assert_costs_one_connection("left")


def test_servers_survive_a_client_that_resets_at_any_time(contract: Contract) -> None:
    for last_words in (b"", b"hel", b"hello\n" * 3000):
        client = contract.server.connect()
        assert asked(client, contract.protocol)
        client.sendall(last_words)
        reset(client)
        contract.assert_costs_one_connection("reset")


@on_lines
def test_servers_keep_no_process_of_a_conversation_that_ended(contract: Contract) -> None:
    assert all(conversed(contract.server, "line") for _ in range(10))
    processes = 1 + (WORKERS if contract.model in {"prefork", "process-pool"} else 0)
    assert until(lambda: len(contract.server.session()) == processes)


# Shutdown.


def assert_finishes_what_is_in_flight(interpreter: str, model: str, number: signal.Signals) -> None:
    with (
        serving(INTERPRETERS[interpreter].program, model, "--workload", "io", grace_s=NO_GRACE_S) as server,
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(server.connect()) for _ in range(1 if model == "serial" else WORKERS)]
        assert all(asked(client, "line") for client in clients)
        in_flight = clients[::2]
        for client in in_flight:
            client.sendall(b"hello\n")
        server.process.send_signal(number)
        assert all(answered(client, "line") for client in in_flight)
        assert all(closed_by_server(client) for client in clients)
        server.assert_ended_well()
        assert not server.log()


@by_interpreter_and_model
def test_servers_finish_what_is_in_flight_at_sigterm(interpreter: str, model: str) -> None:
    assert_finishes_what_is_in_flight(interpreter, model, signal.SIGTERM)


@by_model
def test_servers_finish_what_is_in_flight_at_sigint(model: str) -> None:
    assert_finishes_what_is_in_flight(NEWEST, model, signal.SIGINT)


@by_interpreter_and_model
def test_servers_end_at_a_signal_right_after_the_ready_line(interpreter: str, model: str) -> None:
    with serving(INTERPRETERS[interpreter].program, model, grace_s=NO_GRACE_S) as server:
        server.process.send_signal(signal.SIGTERM)
        server.assert_ended_well()
        assert not server.log()


@by_interpreter_and_model
def test_servers_end_at_signals_to_all_processes_as_at_one(interpreter: str, model: str) -> None:
    with serving(INTERPRETERS[interpreter].program, model, grace_s=NO_GRACE_S) as server, server.connect() as client:
        assert asked(client, "line")
        while server.process.poll() is None:
            os.killpg(server.pid, signal.SIGINT)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.001)
        server.assert_ended_well()
        assert closed_by_server(client)
        assert not server.log()


@by_interpreter_and_model
def test_servers_end_at_the_end_of_standard_input(interpreter: str, model: str) -> None:
    with (
        serving(INTERPRETERS[interpreter].program, model, grace_s=NO_GRACE_S) as server,
        contextlib.ExitStack() as stack,
    ):
        if model in CONCURRENT:
            assert asked(stack.enter_context(server.connect()), "line")
        assert server.process.stdin is not None
        server.process.stdin.close()
        server.assert_ended_well()
        assert not server.log()


SIGNALLED_EARLY = """
import socket
from servers import lifecycle
from servers.children import Children

def wait():
    ours, theirs = socket.socketpair()
    with lifecycle.attended(theirs):
        theirs.recv(1)

lifecycle.install(False)
lifecycle.GRACE_S = 600.0
for _ in range(20):
    children = Children(wake=False)
    for _ in range(4):
        children.fork(wait)
    children.end()
"""


@by_interpreter
def test_children_end_when_signalled_before_they_run(interpreter: str) -> None:
    command = [str(INTERPRETERS[interpreter].program), "-c", SIGNALLED_EARLY]
    with subprocess.Popen(command, cwd=ROOT, env=interpreter_environment(), start_new_session=True) as process:
        try:
            assert process.wait(TIMEOUT_S) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the children that did not end


@by_model
def test_servers_outlive_standard_input_without_a_lifeline(model: str) -> None:
    with serving(PYTHON, model, lifeline=False) as server:
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert conversed(server, "line")
        server.end()


@by_model
def test_servers_end_at_a_lifeline_that_is_not_a_pipe(model: str) -> None:
    with serving(PYTHON, model, stdin=subprocess.DEVNULL, grace_s=NO_GRACE_S) as server:
        server.assert_ended_well()
        assert not server.log()


BIG = b"big"
LARGE_REPLIES = f"""
def respond(request):
    return b"x" * 60_000 if request == {BIG!r} else {REPLY!r}
"""


@pytest.fixture(scope="module")
def large_replies(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a workload whose replies to ``BIG`` fill any buffer."""
    path = tmp_path_factory.mktemp("handler") / "large_replies.py"
    path.write_text(LARGE_REPLIES, encoding="utf-8")
    return f"{path}:respond"


def ask_and_not_read(client: socket.socket) -> None:
    """Ask for 30 MB, and read one byte."""
    client.sendall((BIG + b"\n") * 500)
    assert client.recv(1)


def test_servers_accept_no_more_while_they_wait_for_a_client(large_replies: str) -> None:
    def check(model: str) -> None:
        with (
            serving(PYTHON, model, "--workload", large_replies, grace_s=NO_GRACE_S) as server,
            server.connect(receive_buffer=1024) as client,
        ):
            ask_and_not_read(client)
            server.process.send_signal(signal.SIGTERM)
            assert until(server.refuses)
            assert server.process.poll() is None
            reset(client)
            server.assert_ended_well()

    for_all_at_once(check, ((model,) for model in CONCURRENT))


def test_servers_wait_for_a_client_that_does_not_read_until_grace_ends(large_replies: str) -> None:
    def check(model: str) -> None:
        with (
            serving(PYTHON, model, "--workload", large_replies, grace_s=GRACE_S) as server,
            server.connect(receive_buffer=1024) as client,
        ):
            ask_and_not_read(client)
            since_s = time.monotonic()
            server.end()
            assert time.monotonic() - since_s >= GRACE_S

    for_all_at_once(check, ((model,) for model in HERE))


def test_servers_work_for_a_client_that_asks_for_much_until_grace_ends() -> None:
    requests = 60_000  # one minute of work

    def check(model: str) -> None:
        with (
            serving(PYTHON, model, "--workload", "cpu", grace_s=GRACE_S) as server,
            server.connect() as client,
        ):
            client.sendall(b"\n" * requests)
            assert client.recv(1)
            since_s = time.monotonic()
            server.end()
            assert time.monotonic() - since_s >= GRACE_S
            assert drained(client) < requests * len(REPLY)

    for_all_at_once(check, ((model,) for model in HERE))


def test_servers_give_the_interpreter_its_time_to_end(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    at_exit = f"time.sleep({2 * GRACE_S}), pathlib.Path({str(ended)!r}).touch()"
    (tmp_path / "sitecustomize.py").write_text(
        f"import atexit, pathlib, time\natexit.register(lambda: ({at_exit}))\n", encoding="utf-8"
    )
    environment = interpreter_environment() | {"PYTHONPATH": str(tmp_path)}
    with serving(PYTHON, "serial", env=environment, grace_s=GRACE_S) as server:
        server.end()
    assert ended.exists()


@by_model
def test_servers_leave_nothing_behind_after_several_launches(model: str, tmp_path: Path) -> None:
    env = interpreter_environment() | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    before = psutil.Process().num_fds()

    def launch_and_end(_: int) -> int:
        with serving(PYTHON, model, cwd=tmp_path, env=env) as server, server.connect() as client:
            assert asked(client, "line")
            server.process.send_signal(signal.SIGTERM)
            assert closed_by_server(client)
            assert server.process.wait(TIMEOUT_S) == 0
            assert not server.log()
            return server.pid

    with ThreadPoolExecutor(AT_ONCE) as pool:
        sessions = set(pool.map(launch_and_end, range(STARTS)))
    assert not sessions & {session_of(process) for process in psutil.pids()}
    assert psutil.Process().num_fds() == before
    assert not list(tmp_path.iterdir())


# Clients that keep a server waiting.


def test_servers_drop_a_client_that_stalls_in_a_request() -> None:
    def check(interpreter: str, model: str) -> None:
        with (
            serving(INTERPRETERS[interpreter].program, model, "--stall-timeout", str(STALL_S)) as server,
            server.connect() as client,
        ):
            assert asked(client, "line")
            since_s = time.monotonic()
            client.sendall(b"hel")
            assert closed_by_server(client)
            assert time.monotonic() - since_s >= STALL_S
            assert_logs(server, 1)
            assert conversed(server, "line")
            server.end()

    for_all_at_once(check, [pair for pair in PAIRS if pair[0] == NEWEST or pair[1] in {"threaded", "asyncio"}])


def test_servers_drop_a_client_that_does_not_read(large_replies: str) -> None:
    def check(model: str) -> None:
        with serving(PYTHON, model, "--stall-timeout", str(STALL_S), "--workload", large_replies) as server:
            assert conversed(server, "line")
            assert until(lambda: not server.connections())  # a client may see the end before the server has closed it
            before, processes = server.sockets(), 1 + (WORKERS if model in {"prefork", "process-pool"} else 0)
            with server.connect(receive_buffer=1024) as client:
                ask_and_not_read(client)
                assert_logs(server, 1)
                assert drained(client) < 500 * 60_000
                assert until(lambda: server.sockets() == before)
                assert until(lambda: len(server.session()) == processes)
                assert conversed(server, "line")
            assert_logs(server, 1)
            server.end()

    for_all_at_once(check, ((model,) for model in HERE))


class SteppingClock:
    """A clock that advances by a step at each reading."""

    def __init__(self, step_s: float) -> None:
        self.readings = 0
        self._step_s = step_s

    def __call__(self) -> float:
        self.readings += 1
        return self.readings * self._step_s

    def wait_for(self, readings: int) -> None:
        assert until(lambda: self.readings >= readings)


class Conversing(NamedTuple):
    """A conversation served in this process, with its timeout on a clock that advances only when read."""

    client: socket.socket
    log: list[str]


async def _converse_in_a_loop(connection: socket.socket, handler: Handler) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    await coroutine.converse(reader, writer, handler)


CONVERSE: dict[str, Callable[[socket.socket, Handler], None]] = {
    "conversation": conversation.converse,
    "coroutine": lambda connection, handler: asyncio.run(_converse_in_a_loop(connection, handler)),
}
by_converse = pytest.mark.parametrize("converse", CONVERSE.values(), ids=CONVERSE)


@contextlib.contextmanager
def conversing(
    converse: Callable[[socket.socket, Handler], None], clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Conversing]:
    logged: list[str] = []
    monkeypatch.setattr(conversation, "time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr(lifecycle, "log", lambda event, **fields: logged.append(event))
    handler = Handler(PROTOCOLS["line"], lambda _: REPLY, stall_timeout_s=TIMEOUT_S)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        client.settimeout(TIMEOUT_S)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = threading.Thread(target=converse, args=(listener.accept()[0], handler))
        server.start()
        try:
            yield Conversing(client, logged)
        finally:
            client.close()
            server.join()


@by_converse
def test_converse_drops_a_client_that_drips(
    converse: Callable[[socket.socket, Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SteppingClock(0.3 * TIMEOUT_S)
    with conversing(converse, clock, monkeypatch) as (client, log):
        for sent in (1, 2, 3, 4):  # after 0, 0.3, 0.6 and 0.9 of the timeout
            client.sendall(b"x")
            clock.wait_for(readings=sent)
        assert not log
        client.sendall(b"x")
        assert closed_by_server(client)
        assert clock.readings == 5
        assert log == ["connection_broken"]


@by_converse
def test_converse_keeps_a_client_that_always_has_half_a_line_under_way(
    converse: Callable[[socket.socket, Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SteppingClock(0.6 * TIMEOUT_S)
    with conversing(converse, clock, monkeypatch) as (client, log):
        client.sendall(b"hel")
        for _ in range(10):
            client.sendall(b"lo\nhel")
            assert answered(client, "line")
        client.sendall(b"lo\nQ\n")
        assert answered(client, "line")
        assert closed_by_server(client)
        assert clock.readings >= 10
    assert not log


# Shortages, and killed workers.


@pytest.mark.parametrize("model", ["threaded", "asyncio"])  # models that hold the descriptors of all clients
def test_servers_wait_while_descriptors_are_short(model: str) -> None:
    with serving(PYTHON, model) as server, contextlib.ExitStack() as stack:
        since_s = time.monotonic()
        assert conversed(server, "line")
        few = psutil.Process(server.pid).num_fds() + 4
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (few, few))
        clients = [stack.enter_context(server.connect()) for _ in range(7)]
        assert until(server.log)
        for client in clients:  # each early client makes room for a later one
            assert asked(client, "line")
            client.close()
        assert conversed(server, "line")
        server.end()
        assert {line["event"] for line in server.log()} == {"accept_failed"}
        assert len(server.log()) <= 1 + (time.monotonic() - since_s) / SHORTAGE_PAUSE_S


@by_interpreter
def test_prefork_replaces_a_killed_worker_at_the_cost_of_its_client_alone(interpreter: str) -> None:
    with (
        serving(INTERPRETERS[interpreter].program, "prefork", grace_s=NO_GRACE_S) as server,
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(server.connect()) for _ in range(WORKERS)]
        assert all(asked(client, "line") for client in clients)
        workers = server.workers()
        assert len(workers) == WORKERS
        os.kill(workers[0], signal.SIGKILL)
        assert until(lambda: [line["event"] for line in server.log()] == ["worker_replaced"])
        assert sum(survives(client) for client in clients) == WORKERS - 1  # the killed worker served one
        assert asked(stack.enter_context(server.connect()), "line")
        assert len(server.workers()) == WORKERS
        server.end()


@by_interpreter
def test_process_pool_replaces_a_killed_worker_at_no_cost_while_it_is_idle(interpreter: str) -> None:
    with (
        serving(INTERPRETERS[interpreter].program, "process-pool", "--workload", "io", grace_s=NO_GRACE_S) as server,
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(server.connect()) for _ in range(WORKERS)]
        assert all(asked(client, "line") for client in clients)
        workers = server.workers()
        assert len(workers) == WORKERS
        for worker in workers[:2]:
            os.kill(worker, signal.SIGKILL)
        assert until(lambda: all(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in workers[:2]))
        for _ in range(WORKERS):
            assert all(survives(client) for client in clients)
        assert [line["event"] for line in server.log()] == ["worker_replaced"] * 2
        assert len(server.workers()) == WORKERS
        server.end()


def survives(client: socket.socket) -> bool:
    try:
        return asked(client, "line")
    except OSError:
        return False


# Workloads.


def served_workload(pair: tuple[str, str], workload: str) -> bool:
    interpreter, model = pair
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving(
            INTERPRETERS[interpreter].program,
            model,
            "--workload",
            workload,
            env=interpreter_environment() | {"TMPDIR": scratch},
        ) as server,
    ):
        assert server.ready_line["workload"] == workload
        assert server.ready_line["work"] == importlib.import_module(WORKLOADS[workload].module, "servers").WORK
        with server.connect() as client:
            assert asked(client, "line")
            since_s = time.monotonic()
            return asked(client, "line") and time.monotonic() - since_s >= (WAIT_S if workload == "io" else 0)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_workloads_are_served_by_every_model_and_interpreter(workload: str) -> None:
    """All models serve it under the newest interpreter; under each other one, a different model does."""
    pairs = [(NEWEST, model) for model in HERE]
    for interpreter in INTERPRETERS:
        models = [model for model in MODELS if can_run(interpreter, model)]
        if interpreter != NEWEST:
            pairs.append((interpreter, models[list(WORKLOADS).index(workload) % len(models)]))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = dict(zip(pairs, pool.map(lambda pair: served_workload(pair, workload), pairs), strict=True))
    assert done == dict.fromkeys(pairs, True)


# Simple clients.


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


def test_servers_serve_a_hand_written_client() -> None:
    with serving(PYTHON, "threaded", "--protocol", "seed") as server:
        command = [sys.executable, "-c", TEN_LINES, str(server.port)]
        client = subprocess.run(command, capture_output=True, text=True, check=True)
        assert client.stdout == "Yes, yes\n" * 3 + "b''\n"
        server.end()
        assert not server.log()


def test_servers_serve_lines_typed_into_a_terminal() -> None:
    with serving(PYTHON, "threaded", "--protocol", "seed") as server:
        for line_end in (b"\n", b"\r\n"):
            with server.connect() as client:
                for _ in range(3):
                    client.sendall(b"hello" + line_end)
                    assert answered(client, "seed")
                client.sendall(b"Q" + line_end)
                assert closed_by_server(client)


# The command line.


def test_main_listens_on_the_port_that_is_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as client:  # leaves the port in TIME_WAIT, so that no one else gets it
            accepted, _ = listener.accept()
            accepted.close()
            client.recv(1)
    with serving(PYTHON, "threaded", "--port", str(address[1])) as server:
        assert server.port == address[1]
        assert conversed(server, "line")
        server.end()


@pytest.mark.parametrize(("interpreter", "model"), GAPS, ids=map("-".join, GAPS))
def test_main_names_the_interpreter_that_a_model_needs(interpreter: str, model: str) -> None:
    command = [str(INTERPRETERS[interpreter].program), "-m", "servers", model]
    done = subprocess.run(command, cwd=ROOT, env=interpreter_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    needs, has = (".".join(map(str, version)) for version in (MODELS[model].since, INTERPRETERS[interpreter].release))
    assert done.stderr == f"python -m servers: error: {model} needs CPython {needs} or later, but this is {has}\n"


WRONG = {
    "no model": ([], "MODEL"),
    "an unknown model": (["nosuch"], "multiprocess"),
    "an unknown workload": (["serial", "--workload", "nosuch"], "cpu"),
    "an unknown protocol": (["serial", "--protocol", "nosuch"], "seed"),
    "a port that is no number": (["serial", "--port", "http"], "use 0 to 65535"),
    "a port too high": (["serial", "--port", "65536"], "use 0 to 65535"),
    "a port too low": (["serial", "--port", "-1"], "use 0 to 65535"),
    "an address elsewhere": (["serial", "--host", "203.0.113.1"], "choose another with --host"),
    "an address that is none": (["serial", "--host", "\u00e4..b"], "choose another with --host"),
    "workers where there is no pool": (["threaded", "--workers", "4"], "not threaded: leave --workers out"),
    "no workers": (["threaded", "--workers", "0"], "use 1 to"),
    "no patience": (["serial", "--stall-timeout", "0"], "use 0.001 to"),
    "endless patience": (["serial", "--stall-timeout", "nan"], "to 86400"),
}
ALL_WRONG = """
import contextlib, io, json, sys
from servers import __main__

def refused(arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            __main__.main(arguments)
        except SystemExit as end:
            return end.code, out.getvalue(), err.getvalue()

print(json.dumps([refused(arguments) for arguments in json.loads(sys.argv[1])]))
"""


def run_with(python: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *arguments],
        cwd=ROOT,
        env=interpreter_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        start_new_session=True,
    )


def assert_refused_in_one_line(refused: Sequence[object], helps: str) -> None:
    code, out, err = refused
    assert code in {1, 2}
    assert not out
    assert isinstance(err, str)
    assert err.count("\n") == 1, err
    assert err.startswith("python -m servers: error: ")
    assert helps in err


@by_interpreter
def test_main_refuses_wrong_options_in_one_line_with_the_remedy(interpreter: str) -> None:
    arguments = json.dumps([arguments for arguments, _ in WRONG.values()])
    done = run_with(INTERPRETERS[interpreter].program, "-c", ALL_WRONG, arguments)
    assert not done.stderr
    refusals = json.loads(done.stdout)
    for (what, (_, helps)), refused in zip(WRONG.items(), refusals, strict=True):
        assert refused, what
        assert_refused_in_one_line(refused, helps)


@by_interpreter
def test_main_refuses_a_port_in_use_in_one_line_with_the_remedy(interpreter: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = run_with(INTERPRETERS[interpreter].program, "-m", "servers", "serial", "--port", port)
    refused = (done.returncode, done.stdout, done.stderr)
    for helps in (port, "in use", "--port (0: any free one)"):
        assert_refused_in_one_line(refused, helps)


def test_main_refuses_a_lifeline_that_is_closed() -> None:
    command = ["sh", "-c", 'exec "$0" -m servers serial --lifeline <&-', str(PYTHON)]
    done = subprocess.run(command, cwd=ROOT, env=interpreter_environment(), capture_output=True, text=True, check=False)
    assert_refused_in_one_line((done.returncode, done.stdout, done.stderr), "leave --lifeline out")
