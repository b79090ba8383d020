"""A run's page over HTTP: the files served, redrawing, and the end of serving."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path
from unittest.mock import Mock

import pytest

from bench.analysis.load import read_run
from bench.cli.report import main
from bench.report import serve
from bench.report.draw import draw
from bench.report.serve import Served
from tests.support.exit_code import exit_code
from tests.support.made import Made
from tests.support.serving import reset
from tests.support.until import until

SMALL = Made(models=("serial", "threaded"), workloads=("cpu",), clients=(4,), interpreters=("3.13",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = SMALL.write(tmp_path / "run")
    meta = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(meta | {"state": "running"}))
    return folder


@pytest.fixture
def server(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "bench", "report", str(folder), "--serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://127.0.0.1:"), line
        yield process, int(line.split(":")[2].split("/")[0])
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def drawers() -> Iterator[Pool]:
    with ThreadPool(1) as pool:
        yield pool


def new(served: Served, version: str = "") -> str:
    """Return the version after the given one, once it has been drawn."""
    assert until(lambda: served.version() != version)
    return served.version()


def get(port: int, path: str, host: str = "localhost") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_serve_serves_a_running_run_until_ctrl_c(server: tuple[subprocess.Popen[str], int], folder: Path) -> None:
    process, port = server
    assert until(lambda: get(port, "/version")[1], timeout_s=300)  # drawn at a low priority
    status, page = get(port, "/")
    assert status == 200
    assert "The run is still in progress" in page
    assert page.rstrip().endswith("</script>\n</body>\n</html>")
    assert not (folder / "report.html").exists()
    version = get(port, "/version")[1]
    assert f'"{version}"' in page
    assert get(port, "/", host=f"localhost:{port}")[0] == 200
    assert get(port, "/", host="evil.example")[0] == 403
    assert get(port, "/records.jsonl")[0] == 200
    assert get(port, "/../../../etc/passwd")[0] == 404
    (folder / "plots").mkdir()
    assert get(port, "/plots/")[0] == 404
    (folder / "link").symlink_to("/etc/hostname")
    assert get(port, "/link")[0] == 404
    os.killpg(process.pid, signal.SIGINT)  # to the whole process group, as a terminal does
    assert process.wait(60) == 0
    assert process.stdout is not None
    assert process.stdout.read() == ""


def test_served_draws_again_once_there_are_new_records_and_time_has_passed(
    folder: Path, drawers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Served(folder, drawers)
    first, page = new(served), served.page()
    records = folder / "records.jsonl"
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join(lines[:-1]))
    os.utime(records, ns=(1, 1))
    assert (served.version(), served.page()) == (first, page)
    monkeypatch.setattr(serve, "REFRESH_S", 0.0)
    assert new(served, first)
    assert served.page() != page
    assert "windows" in served.page()


def test_served_shows_a_placeholder_until_the_page_is_drawn(
    folder: Path, drawers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "PATIENCE_S", 0.0)
    busy = threading.Event()
    drawers.apply_async(busy.wait, (60,))
    served = Served(folder, drawers)
    assert "its page is being drawn" in served.page()
    assert served.version() == ""
    busy.set()
    new(served)
    assert "its page is being drawn" not in served.page()


def test_served_raises_an_error_in_drawing_once_and_draws_again(
    folder: Path, drawers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "REFRESH_S", 0.0)
    served = Served(folder, drawers)
    with monkeypatch.context() as broken:
        broken.setattr(serve, "read_run", Mock(side_effect=PermissionError(13, "Permission denied")))
        with pytest.raises(PermissionError):
            new(served)
    assert new(served)


def test_served_prefers_the_page_that_the_run_has_drawn(folder: Path, drawers: Pool) -> None:
    served = Served(folder, drawers)
    new(served)
    assert "<figure" not in served.page()
    draw(read_run(folder), quiet=True)
    assert "<figure" in served.page()
    assert (folder / "report.html").read_text().split("</body>")[0] in served.page()


def test_served_shows_that_a_run_has_no_record_yet(folder: Path, drawers: Pool) -> None:
    (folder / "records.jsonl").write_text("")
    served = Served(folder, drawers)
    new(served)
    assert "holds no complete record" in served.page()


def test_served_follows_latest_to_a_new_run(
    tmp_path: Path, folder: Path, drawers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "REFRESH_S", 0.0)
    latest = tmp_path / "latest"
    latest.symlink_to(folder)
    served = Served(latest, drawers)
    first = new(served)
    other = SMALL.write(tmp_path / "other")
    latest.unlink()
    latest.symlink_to(other)
    assert new(served, first)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{}/nosuch", "--serve"], "is not a folder"),
        (["{}", "--serve", "--port", "http"], "invalid number 'http': use a whole number from 0 to 65,535"),
    ],
)
def test_serve_refuses_wrong_options_in_one_line(
    words: list[str], says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(main, [word.format(folder) for word in words]) == 2
    err = capsys.readouterr().err
    assert "error: " in err
    assert err.count("\n") == 1
    assert says in err


def test_serve_ends_at_sigterm_and_prints_nothing_of_clients_that_left_early(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = server
    for request in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HT"):
        for _ in range(20):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(request)
            reset(client)
    assert get(port, "/version")[0] == 200
    process.terminate()
    assert process.wait(60) == 0
    assert process.stdout is not None
    assert process.stdout.read() == ""


def test_serve_refuses_a_port_in_use_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert main([str(folder), "--serve", "--port", str(listener.getsockname()[1])]) == 1
    assert "choose another with --port" in capsys.readouterr().err
