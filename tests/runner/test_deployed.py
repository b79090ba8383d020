"""Servers that people deploy: real packages, started under real interpreters, serving workloads and applications."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import commands as command_line
from bench.errors import GilbenchError, InvalidInput, ServerFailed
from bench.interpreters import environments
from bench.interpreters.interpreter import Interpreter
from bench.paths import ROOT
from bench.planning import read_options
from bench.planning.options import OPTIONS
from bench.runner import deployed
from bench.runner.planned_load import planned_load
from bench.runner.served import ask
from bench.runner.server import Server
from bench.runner.trial import try_servers
from bench.runner.verification import DESCRIBING, verify
from bench.runner.window import measure
from bench.schema.cell import Cell
from bench.schema.plan import Plan
from bench.schema.record import RECORDS, Record
from bench.schema.run_meta import read_meta
from loadgen import Load, run
from servers.deployed import DEPLOYED
from tests.support.interpreters import newest, with_gil, without_gil
from tests.support.until import until

NEWEST = with_gil()[0]
POOLS = [model for model, row in DEPLOYED.items() if row.pooled]

WSGI = """
import os
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode(), os.getcwd().encode()]
def broken(environ, start_response):
    raise RuntimeError("out of stock")
"""
ASGI = """
async def app(scope, receive, send):
    assert scope["type"] == "http", "no lifespan"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""
HOLDS = """
import sys, time
from bench.interpreters.selection import resolve
from bench.runner.server import Server
server = Server(resolve(sys.executable, list)[0], sys.argv[1], "echo")
server.ready()
print(*server.said["pids"], flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def running(model: str, workload: str, name: str = NEWEST, path: str | None = None) -> Iterator[Server]:
    server = Server(newest()[name], model, workload, path=path)
    try:
        server.ready()
        yield server
    finally:
        server.stop()


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
        )
    return False


def plan_of(*models: str, workload: str = "echo", **changes: object) -> Plan:
    cells = tuple(Cell(model, workload, 2, NEWEST) for model in models)
    plan = Plan(cells=cells, passes=1, budget_s=60.0, requests_per_connection=10, seed=1, baseline=NEWEST)
    return replace(plan, **changes)  # type: ignore[arg-type]  # names of its fields


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applications in the current folder."""
    (tmp_path / "shop.py").write_text(WSGI, encoding="utf-8")
    (tmp_path / "shop_async.py").write_text(ASGI, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("model", DEPLOYED)
def test_server_serves_once_every_worker_answers_and_leaves_nothing_behind(model: str) -> None:
    with running(model, DESCRIBING) as server:
        verify(server, model, newest()[NEWEST])
        pids = server.said["pids"]
        assert len(pids) == (server.said["workers"] if DEPLOYED[model].pooled else 1)
        assert server.said["version"] == newest()[NEWEST].build.version
        assert server.said["pid"] == server.pid
        for package in DEPLOYED[model].packages:
            name, _, version = package.partition("==")
            assert server.packages[name] == version
        result = run(
            Load(
                host="127.0.0.1",
                port=server.port,
                connections=2,
                duration_s=0.3,
                requests_per_connection=10,
                protocol=planned_load(plan_of(model), Cell(model, "echo", 2, NEWEST))["protocol"],
            )
        )
        assert not result.errors
    assert not any(map(alive, {server.pid, *pids}))


@pytest.mark.parametrize("name", without_gil()[:1])
@pytest.mark.parametrize("model", ["gunicorn-gthread", "granian-wsgi", "http-server"])
def test_server_serves_without_a_gil(model: str, name: str) -> None:
    with running(model, "cpu", name) as server:
        assert server.said["gil_enabled"] is False
        expected = 1 if model == "granian-wsgi" else server.said["workers"] or 1  # granian starts threads there
        assert len(server.said["pids"]) == expected


@pytest.mark.parametrize("model", ["gunicorn-sync", "uvicorn", "waitress"])
def test_server_ends_with_the_process_that_started_it(model: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, model]
    scratch = os.environ | {"TMPDIR": str(tmp_path)}  # a killed process leaves its files
    with subprocess.Popen(command, cwd=ROOT, env=scratch, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = list(map(int, process.stdout.readline().split()))
        assert pids
        process.send_signal(signal.SIGKILL)
        assert until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize("model", ["gunicorn-gthread", "uvicorn"])
def test_measure_accounts_for_the_workers_of_a_deployed_server(model: str) -> None:
    cell, plan = Cell(model, "io", 4, NEWEST), plan_of(model, workload="io")
    with running(model, "io") as server:
        found = measure(cell, server, window_s=0.6, warmup_s=0.1, **planned_load(plan, cell))
    assert not found.result.errors
    assert found.thread_accounting.unknown is None
    assert {"event loop"} <= found.thread_accounting.roles.keys()


def test_server_gives_a_handler_the_body_of_a_request(tmp_path: Path) -> None:
    handler = tmp_path / "shop.py"
    handler.write_text("def price(request):\n    return str(1 / (int(request) - 1)).encode()\n", encoding="utf-8")
    for model in ("gunicorn-gthread", "uvicorn"):
        with running(model, f"{handler}:price") as server:
            assert ask(server.port, "/", b"3") == b"0.5"
            with pytest.raises(ServerFailed, match="500"):
                ask(server.port, "/", b"1")
        assert [one["code"] for one in server.disturbances()] == ["handler_failed"]


@pytest.mark.parametrize("model", ["gunicorn-gthread", "granian-wsgi", "waitress", "cheroot", "http-server"])
def test_server_serves_a_wsgi_application_of_the_user(model: str, shop: None) -> None:
    with running(model, "shop:application", path="/item/7") as server:
        assert ask(server.port, "/item/7") == f"/item/7{Path.cwd()}".encode()


@pytest.mark.parametrize("model", ["uvicorn", "hypercorn", "granian-asgi"])
def test_server_serves_an_asgi_application_of_the_user(model: str, shop: None) -> None:
    with running(model, "shop_async:app", path="/") as server:
        assert ask(server.port, "/") == b"ok"


def test_server_names_what_is_wrong_with_an_application(shop: None) -> None:
    for application, says in (
        ("shop:broken", r"answers 500 .*RuntimeError: out of stock"),
        ("no_shop:app", r"No module named 'no_shop'"),
        ("shop:absent", r"absent"),
    ):
        for model in ("gunicorn-gthread", "waitress"):
            with pytest.raises(ServerFailed, match=says), running(model, application, path="/"):
                pass


def test_try_servers_leaves_out_what_cannot_run_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(interpreter: Interpreter, packages: list[str], *, wheels_only: bool) -> object:
        if any(package.startswith("cheroot") for package in packages):
            raise GilbenchError("no wheel for it")
        return environments.prepare(interpreter, packages, wheels_only=wheels_only)

    monkeypatch.setattr(deployed, "prepare", unavailable)
    monkeypatch.setattr(deployed, "_prepared", {})
    found = try_servers(plan_of("cheroot", "waitress"), newest())
    assert [cell.model for cell in found.plan.cells] == ["waitress"]
    assert [str(gap) for gap in found.gaps] == [f"cheroot under {NEWEST} cannot run: no wheel for it"]
    assert found.deployed["waitress"][NEWEST].packages == {"waitress": "3.0.2"}
    with pytest.raises(GilbenchError, match="no server can run: cheroot"):
        try_servers(plan_of("cheroot"), newest())


def test_prepare_server_takes_any_version_where_the_pinned_one_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployed, "_prepared", {})
    row = DEPLOYED["waitress"]._replace(packages=("waitress==0.0.0",))
    versions = deployed.prepare_server(row, newest()[NEWEST]).versions()
    assert versions["waitress"] > "3"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"servers": "threaded", "app": "shop:app"}, "--app needs servers for applications, not threaded"),
        ({"servers": "uvicorn", "app": "shop"}, "names no application"),
        ({"servers": "uvicorn", "app": "io.main:app"}, "io is the name of another workload"),
        ({"servers": "uvicorn", "path": "/x"}, "name that with --app"),
        ({"servers": "uvicorn", "app": "shop:app", "path": "x"}, "invalid path"),
        ({"servers": "uvicorn", "app": "shop:app", "workloads": "io"}, "leave one out"),
        ({"servers": "uvicorn", "workloads": "mixed"}, "mixed is measured on reference models"),
        ({"servers": "unicorn"}, "uvicorn"),
    ],
)
def test_read_options_refuses_what_deployed_servers_cannot(changes: dict[str, str], says: str) -> None:
    typed = {name: option.default for name, option in OPTIONS.items()}
    with pytest.raises(InvalidInput, match=re.escape(says)):
        read_options.read(typed | {"pythons": f"own={sys.executable}"} | changes)


def test_bench_measures_a_users_application_and_records_its_servers(
    shop: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--servers", "waitress,gunicorn-gthread", "--app", "shop:application", "--path", "/item/7"]
    words += ["--pythons", f"own={sys.executable}", "--clients", "2", "--passes", "1", "--budget", "60s"]
    assert command_line.main(["bench", *words, "--window", "300ms", "--results", str(tmp_path), "-q"]) == 0
    folder = tmp_path / "latest"
    meta = read_meta(folder)
    assert {model: found["own"].packages[model.partition("-")[0]] for model, found in meta.deployed.items()} == {
        "gunicorn-gthread": "27.0.1",
        "waitress": "3.0.2",
    }
    assert meta.plan is not None
    assert (meta.plan.path, meta.plan.handlers) == ("/item/7", {"shop": "shop:application"})
    records = [Record.from_json(line) for line in (folder / RECORDS).read_text(encoding="utf-8").splitlines()]
    assert {record.model for record in records} == {"waitress", "gunicorn-gthread"}
    assert not any(record.errors for record in records)
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["work"]["shop"]["path"] == "/item/7"
    assert "gunicorn" in (folder / "report.html").read_text(encoding="utf-8")
    capfd.readouterr()
