"""Commands run in another project's folder: paths are relative to it, and its modules do not replace ours."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench import paths
from bench.cli import commands
from bench.interpreters.selection import resolve
from bench.paths import ROOT
from bench.run_module import run_module
from bench.runner.server import Server
from tests.support.interpreters import FEW_PYTHONS

POISON = 'raise RuntimeError("this is not ours to run")\n'
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"} | FEW_PYTHONS


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a project with modules named like ours, its own tests, and a handler that imports a sibling module."""
    folder = tmp_path / "shop"
    for name in ("bench", "servers", "loadgen", "perf"):
        (folder / name).mkdir(parents=True)
    for poisoned in (
        "bench/__init__.py",
        "servers/__init__.py",
        "loadgen/__init__.py",
        "conftest.py",
        "perf/conftest.py",
    ):
        (folder / poisoned).write_text(POISON, encoding="utf-8")
    (folder / "discounts.py").write_text("OFF = 7\n", encoding="utf-8")
    (folder / "prices.txt").write_text("42", encoding="utf-8")
    (folder / "shop.py").write_text(
        "from pathlib import Path\n"
        "from discounts import OFF\n"
        "def price(request):\n"
        "    return str(int(Path('prices.txt').read_text()) - OFF).encode()\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(folder)
    return folder


def gilbench_bench(*words: str) -> subprocess.CompletedProcess[str]:
    """Run what ``nox -f PATH/noxfile.py -s bench --`` runs."""
    command = [sys.executable, "-m", "bench", "bench", *words]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300)


def test_bench_reads_a_plan_relative_to_the_current_folder(shop: Path) -> None:
    python = os.path.relpath(sys.executable)
    pythons = f"mine={python}" if "/" in python else f"mine=./{python}"
    done = gilbench_bench(
        *("--workload", "./shop.py:price", "--results", "./perf", "--pythons", pythons),
        *("--servers", "threaded", "--clients", "1", "--collect-only"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "threaded-price-1-mine" in done.stdout
    assert "not ours to run" not in done.stdout + done.stderr
    assert {path.name for path in shop.iterdir()} == {
        *("bench", "servers", "loadgen", "perf", "conftest.py", "discounts.py", "prices.txt", "shop.py")
    }


def test_bench_refuses_an_unknown_option_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        commands.main(["bench", "--severs", "threaded"])
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        "gilbench bench: error: unrecognized arguments: --severs (did you mean --servers?); see --help\n"
    )


def test_bench_help_shows_its_own_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        commands.main(["bench", "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: gilbench bench ")
    titles = (
        "what is measured:",
        "how long and how precisely:",
        "how results are compared:",
        "where results go:",
        "pytest options:",
        "examples:",
    )
    assert [title for title in titles if f"\n{title}\n" not in shown] == []


@pytest.mark.parametrize("workload", ["./shop.py:price", "shop:price"])
def test_server_lets_a_handler_import_its_neighbours_and_open_its_files(shop: Path, workload: str) -> None:
    (interpreter,) = resolve(f"mine={sys.executable}", list)
    server = Server(interpreter, "threaded", workload)
    try:
        server.ready()
        with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
            connection.sendall(b"hello\n")
            assert connection.makefile("rb").readline() == b"35\n"
    finally:
        server.stop()


def test_resolve_makes_two_interpreters_of_two_sides_of_a_handler(shop: Path) -> None:
    """As in docs/how-to/gate.yml: each imports from its own folder, and its environment and replies show it."""
    for side, off in (("base", 1), ("head", 2)):
        (shop / side).mkdir()
        (shop / side / "pricing.py").write_text(f"def price(request): return b'{off}'\n", encoding="utf-8")
        (interpreter,) = resolve(f"{side}={sys.executable}+env:PYTHONPATH={shop / side}", list)
        server = Server(interpreter, "serial", "pricing:price")
        try:
            server.ready()
            environment = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
            assert f"PYTHONPATH={shop / side}".encode() in environment
            with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
                connection.sendall(b"hello\n")
                assert connection.makefile("rb").readline() == b"%d\n" % off
        finally:
            server.stop()


def test_places_writes_commands_and_paths_relative_to_the_current_folder(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--workload", "./shop.py:price"]
    assert (
        paths.command_line("bench", words)
        == f"nox -f {shlex.quote(str(ROOT / 'noxfile.py'))} -s bench -- {shlex.join(words)}"
    )
    assert paths.results() == ROOT / "results"
    assert paths.relative_path(shop / "perf" / "latest") == Path("perf/latest")
    monkeypatch.setenv("GILBENCH_RESULTS", "./perf")
    assert paths.latest() == Path("perf/latest")
    monkeypatch.delenv("GILBENCH_RESULTS")
    monkeypatch.chdir(ROOT)
    assert paths.command_line("bench", words) == f"nox -s bench -- {shlex.join(words)}"
    assert paths.command_line("report") == "nox -s report"
    assert paths.latest() == Path("results/latest")


def test_run_module_runs_the_package_of_this_project(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_module("bench", "dcotor") == 2
    assert capfd.readouterr().err.startswith("gilbench: error: argument COMMAND: 'dcotor' is unknown")


def test_docs_gate_runs_the_commands_of_its_how_to() -> None:
    gate = " ".join((ROOT / "docs/how-to/gate.yml").read_text(encoding="utf-8").split())
    text = (ROOT / "docs/how-to/gate-in-ci.md").read_text(encoding="utf-8").replace("\\\n", " ")
    shown = [" ".join(line.split()) for line in text.splitlines() if line.startswith("uvx nox ")]
    assert len(shown) == 3
    values = {"shop:price": '"$HANDLER"', "item-7": '"$REQUEST"'}
    for command in shown[:2]:  # the third belongs to the other gate
        as_in_gate = command
        for value, name in values.items():
            as_in_gate = as_in_gate.replace(value, name)
        assert as_in_gate in gate
