"""A handler of the user's own under every model: replies, exceptions, factories, coroutines, what cannot be served."""

from __future__ import annotations

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
from bench.runner.server import Server
from bench.runner.server import serving as serving_under
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
                host="127.0.0.1", port=server.port, protocol=any_line_protocol(request), connections=2, duration_s=0.5
            )
            result = run(load)
            assert bool(result.requests) is answered
            assert set(result.errors) == (set() if answered else {"handler_failed"})


@pytest.mark.parametrize(
    ("handler", "shown"),
    [
        ("SHOP:nosuch", "AttributeError"),
        ("SHOP:number", "is no function"),
        ("SHOP:make().x", "AttributeError"),
        ("nosuchpackage:handle", "under the interpreter of an environment that has it"),
    ],
)
def test_user_handler_is_refused_in_one_line_if_it_cannot_be_served(shop: str, handler: str, shown: str) -> None:
    with pytest.raises(ServerFailed, match=shown), serving("serial", handler.replace("SHOP", shop)):
        pass


# As an option.


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
