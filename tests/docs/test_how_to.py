"""The how-to pages: the models, workloads, protocols and plots that they add work."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import socket
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from bench.analysis.load import read_run
from bench.report.plots.style import save, style
from docs.blocks.page import Page
from docs.sessions import ROOT
from tests.support.interpreters import chosen
from tests.support.serving import Server, conversed

HOW_TO = ROOT / "docs/how-to"


@pytest.fixture
def added(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with the servers as they are after a reader has followed a page."""
    page = Page(HOW_TO / request.param)
    shutil.copytree(ROOT / "servers", tmp_path / "servers", ignore=shutil.ignore_patterns("__pycache__"))
    for name, source in page.files.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    for name, changes in page.changes.items():
        text = (tmp_path / name).read_text(encoding="utf-8")
        for before, after in changes:
            text = text.replace(before, after)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def assert_serves(server: Server, clients: int) -> None:
    with ThreadPoolExecutor(clients) as pool:
        assert all(pool.map(lambda _: conversed(server, "line"), range(3 * clients)))


@pytest.mark.parametrize("added", ["add-a-model.md"], indirect=True)
@pytest.mark.parametrize("interpreter", chosen())
def test_add_a_model_makes_one_that_serves_and_ends_well(added: Path, interpreter: str) -> None:
    server = Server(chosen()[interpreter].program, "bounded", "--workers", "2", cwd=added)
    with closing(server):
        server.wait_until_ready()
        assert_serves(server, clients=6)
        with server.connect() as idle:
            idle.sendall(b"hello\n")
            assert idle.recv(100) == b"Yes, yes\n"
            server.end()


@pytest.mark.parametrize("added", ["add-a-workload.md"], indirect=True)
def test_add_a_workload_makes_one_that_is_served(added: Path) -> None:
    server = Server(Path(sys.executable), "threaded", "--workload", "pattern", cwd=added)
    with closing(server):
        server.wait_until_ready()
        assert server.ready_line["work"]["searches"] == 1
        assert_serves(server, clients=2)
        server.end()


@pytest.fixture
def counting() -> Iterator[int]:
    """Serve replies that begin with a byte for their length, and yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError):  # the load ends in the middle of a request
            while connection.recv(100):
                connection.sendall(b"\x03a")
                connection.sendall(b"bc")

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_add_a_protocol_makes_one_that_the_load_generator_understands(
    counting: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = module("counted.py", Page(HOW_TO / "add-a-protocol.md").files["counted.py"], tmp_path, monkeypatch)
    result = counted.measure(counting)
    assert result.requests
    assert not result.errors


def test_add_a_plot_makes_one_that_draws_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ((name, source),) = Page(HOW_TO / "add-a-plot.md").files.items()
    plot = module(Path(name).name, source, tmp_path, monkeypatch)
    with style():
        figure = plot.draw(read_run(ROOT / "results/example"))
    assert isinstance(figure, Figure)
    assert "</svg>" in save(figure, tmp_path, "added")


def module(name: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    (folder / name).write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, Path(name).stem, raising=False)
    return importlib.import_module(Path(name).stem)
