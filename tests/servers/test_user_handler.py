"""User handlers under every model: replies, exceptions, factories, coroutines, and invalid handlers.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from bench.errors import GilbenchError, ServerFailed
from bench.planning.options import OPTIONS
from bench.planning.read_options import read
from bench.planning.run_request import RunRequest
from bench.runner.server import MOST_OUTPUT_BYTES, Server
from bench.runner.server import serving as serving_under
from bench.runner.window import measure
from bench.schema.cell import Cell
from loadgen import Load, run
from loadgen.protocols import any_line_protocol
from servers.models import MODELS
from tests.support.interpreters import chosen, found

INTERPRETERS = chosen()
CONTROL = next(one for one in found() if one.release == sys.version_info[:2] and not one.build.freethreaded)
SHOP = '''
import asyncio

def price(request):
    """A request is a number, the reply its double."""
    return str(2 * int(request)).encode()

async def remote(request):
    await asyncio.sleep(0.002)
    return b"from afar: " + request

def make():
    seen = []
    def handle(request):
        seen.append(request)
        return str(len(seen)).encode()
    return handle

def text(request):
    return "not bytes"

number = 7
'''


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.py"
    path.write_text(SHOP, encoding="utf-8")
    return str(path)


def serving(model: str, handler: str, interpreter: Any = CONTROL) -> AbstractContextManager[Server]:
    return serving_under(interpreter, model, handler)


def ask(server: Server, *requests: bytes) -> list[bytes]:
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection, connection.makefile("rb") as replies:
        answers = []
        for request in requests:
            connection.sendall(request + b"\n")
            answers.append(replies.readline())
        return answers


@pytest.mark.parametrize(
    ("interpreter", "model"),
    [(name, model) for name, one in chosen().items() for model, row in MODELS.items() if one.release >= row.since],
)
def test_user_handler_is_served_by_every_model_and_interpreter(interpreter: str, model: str, shop: str) -> None:
    with serving(model, f"{shop}:price", INTERPRETERS[interpreter]) as server:
        assert ask(server, b"21", b"x", b"4") == [
            b"42\n",
            b"!ValueError: invalid literal for int() with base 10: b'x'\n",
            b"8\n",
        ]
    reasons = {"ValueError": "invalid literal for int() with base 10: b'x'"}
    assert list(server.disturbances()) == [{"code": "handler_failed", "reasons": reasons}]


@pytest.mark.parametrize("model", [name for name, row in MODELS.items() if CONTROL.release >= row.since])
def test_user_handler_may_be_a_coroutine_function_under_every_model(model: str, shop: str) -> None:
    with serving(model, f"{shop}:remote") as server:
        assert ask(server, b"a", b"b") == [b"from afar: a\n", b"from afar: b\n"]


def test_user_handler_calls_a_factory_once_in_each_worker(shop: str) -> None:
    with serving("serial", f"{shop}:make()") as server:
        assert ask(server, b"a", b"b") == [b"1\n", b"2\n"]
        assert ask(server, b"c") == [b"3\n"]
    with serving("threaded", f"{shop}:make()") as server:
        assert ask(server, b"a", b"b") == [b"1\n", b"2\n"]
        assert ask(server, b"c") == [b"1\n"]  # another thread


def test_user_handler_is_imported_from_the_current_folder(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(shop).parent)
    with serving("serial", "shop:price") as server:
        assert ask(server, b"1") == [b"2\n"]


def test_user_handler_fails_if_it_does_not_return_bytes(shop: str) -> None:
    with serving("serial", f"{shop}:text") as server:
        assert ask(server, b"1") == [b"!TypeError: the handler returned str, not bytes\n"]


def test_loadgen_counts_failures_of_a_handler_as_errors(shop: str) -> None:
    with serving("threaded", f"{shop}:price") as server:
        for request, answered in ((b"1", True), (b"x", False)):
            load = Load(
                host="127.0.0.1", port=server.port, protocol=any_line_protocol([request]), connections=2, duration_s=0.5
            )
            result = run(load)
            assert bool(result.requests) is answered
            assert set(result.errors) == (set() if answered else {"handler_failed"})


@pytest.mark.parametrize(
    ("handler", "shown"),
    [
        ("SHOP:nosuch", "AttributeError"),
        ("SHOP:number", "is not a function"),
        ("SHOP:make().x", "AttributeError"),
        ("nosuchpackage:handle", "use the interpreter of an environment that has the module"),
    ],
)
def test_user_handler_is_refused_in_one_line_if_it_cannot_be_served(shop: str, handler: str, shown: str) -> None:
    with pytest.raises(ServerFailed, match=shown), serving("serial", handler.replace("SHOP", shop)):
        pass


# What people's handlers do.

CHATTY = """
import os, sys
print("imported", "x" * 100_000)
print('{"event": "ready", "port": 1}')

def log(request):
    print("x" * 230)
    print("y" * 230, file=sys.stderr)
    os.write(1, b'{"event": "ready", "port": 2}\\n')
    return b"logged"
"""


@pytest.mark.parametrize("model", ["serial", "asyncio", "prefork"])
def test_server_serves_a_handler_that_prints_more_than_a_pipe_holds(model: str, tmp_path: Path) -> None:
    (tmp_path / "chatty.py").write_text(CHATTY, encoding="utf-8")
    with serving(model, f"{tmp_path}/chatty.py:log") as server:
        assert server.port not in {1, 2}
        assert set(ask(server, *[b"x"] * 2000)) == {b"logged\n"}
        server.check()
    assert not list(server.disturbances())


def test_server_keeps_a_bounded_part_of_what_a_handler_prints(tmp_path: Path) -> None:
    (tmp_path / "flood.py").write_text(
        "import sys\ndef flood(request):\n print('x' * (3 << 20))\n if request == b'no': sys.exit(f'over {1 + 1}')\n"
        " return b'y'\n",
        encoding="utf-8",
    )
    server = Server(CONTROL, "serial", f"{tmp_path}/flood.py:flood")
    try:
        server.ready()
        assert ask(server, b"no", b"a") == [b"!SystemExit: over 2\n", b"y\n"]
        server.check()
        assert os.fstat(server._output.fileno()).st_size <= MOST_OUTPUT_BYTES
        assert ask(server, b"a") == [b"y\n"]
    finally:
        server.stop()
    assert list(server.disturbances()) == [{"code": "handler_failed", "reasons": {"SystemExit": "over 2"}}]


def test_server_shows_what_a_module_printed_before_it_failed(tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text("print('connecting to the database')\nraise SystemExit('no database')\n")
    with pytest.raises(ServerFailed, match=r"cannot load .*fails.py:x: SystemExit: no database") as failed:
        serving("serial", f"{tmp_path}/fails.py:x").__enter__()
    assert "connecting to the database" in str(failed.value)


@pytest.mark.parametrize("model", ["serial", "threaded", "asyncio", "prefork"])
def test_user_handler_that_exits_costs_its_own_request_only(model: str, tmp_path: Path) -> None:
    (tmp_path / "exits.py").write_text(
        "import sys\ndef one(request):\n if request == b'x': sys.exit(3)\n return request\n", encoding="utf-8"
    )
    with serving(model, f"{tmp_path}/exits.py:one") as server:
        assert ask(server, b"x", b"a") == [b"!SystemExit: 3\n", b"a\n"]
        assert ask(server, b"b") == [b"b\n"]


ALSO_COROUTINES = """
import asyncio, functools

class Handler:
    async def __call__(self, request):
        await asyncio.sleep(0)
        return b"object: " + request
    async def method(self, request):
        return b"method: " + request

async def add(prefix, request):
    return prefix + request

called = Handler()
method = Handler().method
partial = functools.partial(add, b"partial: ")
def make():
    return Handler()
"""


@pytest.mark.parametrize("model", ["serial", "asyncio"])
@pytest.mark.parametrize(
    ("handler", "reply"),
    [
        ("called", b"object: x\n"),
        ("method", b"method: x\n"),
        ("partial", b"partial: x\n"),
        ("make()", b"object: x\n"),
    ],
)
def test_user_handler_may_be_any_object_that_makes_coroutines(
    model: str, handler: str, reply: bytes, tmp_path: Path
) -> None:
    (tmp_path / "several.py").write_text(ALSO_COROUTINES, encoding="utf-8")
    with serving(model, f"{tmp_path}/several.py:{handler}") as server:
        assert ask(server, b"x") == [reply]


OURS = ("bench", "tests", "docs", "servers", "loadgen", "results", "gilbench")
NEWEST = next(iter(INTERPRETERS))
EACH_ONCE = [(NEWEST, model) for model, row in MODELS.items() if INTERPRETERS[NEWEST].release >= row.since]
EACH_ONCE += [(name, "threaded") for name in INTERPRETERS if name != NEWEST]


@pytest.mark.parametrize(("interpreter", "model"), EACH_ONCE)
def test_user_handler_is_not_hidden_by_a_package_of_ours(
    interpreter: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OURS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("", encoding="utf-8")
        (tmp_path / name / "record.py").write_text(f"def mine(request): return b'of the user: {name}'\n")
    lines = [*(f"from {name}.record import mine as {name}" for name in OURS), "def all(request):"]
    lines += [f" return b'; '.join(f(request) for f in ({', '.join(OURS)}))"]
    (tmp_path / "app.py").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with serving(model, "servers.record:mine", INTERPRETERS[interpreter]) as server:
        assert ask(server, b"x") == [b"of the user: servers\n"]
    with serving(model, "./app.py:all", INTERPRETERS[interpreter]) as server:
        assert ask(server, b"x") == [b"; ".join(f"of the user: {name}".encode() for name in OURS) + b"\n"]


def test_user_handler_imports_what_the_shells_pythonpath_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "lib/prices.py").write_text("def price(request): return b'from the library'\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    with serving("threaded", "prices:price") as server:
        assert ask(server, b"x") == [b"from the library\n"]


def test_user_handler_with_a_relative_import_is_named_by_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "shop" / "api"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text("", encoding="utf-8")
    (package / "prices.py").write_text("PRICE = b'9'\n", encoding="utf-8")
    (package / "app.py").write_text("from .prices import PRICE\ndef price(request): return PRICE\n", encoding="utf-8")
    with (
        pytest.raises(ServerFailed, match=f"as shop.api.app:price, from the folder {tmp_path}"),
        serving("serial", f"{package}/app.py:price"),
    ):
        pass
    monkeypatch.chdir(tmp_path)
    with serving("serial", "shop.api.app:price") as server:
        assert ask(server, b"x") == [b"9\n"]


def test_measure_warns_of_a_request_that_takes_longer_than_the_window(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ndef slow(request): time.sleep(600)\n", encoding="utf-8")
    with serving("threaded", f"{tmp_path}/slow.py:slow") as server:
        measured = measure(
            Cell("threaded", "slow", 1, "own"), server, window_s=0.1, warmup_s=0.0, requests_per_connection=None
        )
    assert "unanswered" in measured.codes


# The option.


@pytest.fixture(autouse=True)
def interpreters_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.planning.read_options.discover", found)


def wanted(**typed: str) -> RunRequest:
    return read({name: option.default for name, option in OPTIONS.items()} | typed)


def test_options_name_the_workload_after_the_function_of_a_handler(shop: str) -> None:
    found = wanted(workloads=f"echo,{shop}:price,package.module:make()", objective="p99<20ms")
    assert found.workloads == ["echo", "price", "make"]
    assert found.handlers == {"price": f"{shop}:price", "make": "package.module:make()"}
    assert found.objective == "p99<20ms"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ({"workloads": "/no/such/file.py:price"}, "no file"),
        ({"workloads": "shop:"}, "names no function"),
        ({"workloads": "one:price,two:price"}, "another workload"),
        ({"workloads": "shop:echo"}, "another workload"),
        ({"request": "a\nb"}, "one line"),
        ({"objective": "p99<soon"}, "soon"),
        ({"objective": "beauty"}, "choose from throughput"),
    ],
)
def test_options_refuse_handlers_that_are_invalid(typed: dict[str, str], shown: str) -> None:
    with pytest.raises(GilbenchError, match=shown):
        wanted(**typed)
