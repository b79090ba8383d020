"""The installed command: a wheel in an empty environment, from an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bench.cli.commands import COMMANDS
from bench.paths import ROOT
from tests.support.interpreters import FEW_PYTHONS
from tests.support.tcp import one_thread

pytestmark = pytest.mark.wheel

UV = shutil.which("uv")
PYTHON = f"mine={sys.executable}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command of an environment that contains only the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("environment") / "env"
    if UV is not None:
        commands = [[UV, "venv", "--quiet", "--python", sys.executable, str(folder)]]
        install = [UV, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    else:
        commands = [[sys.executable, "-m", "virtualenv", "--quiet", str(folder)]]
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (*commands, [*install, str(wheel)]):
        subprocess.run(command, check=True, capture_output=True, timeout=600)
    return folder / "bin" / "gilbench"


def gilbench(installed: Path, folder: Path, *words: str) -> str:
    """Run the command in an empty folder, with nothing from this checkout in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | FEW_PYTHONS
    command = [str(installed), *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_installed_adds_one_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"gilbench"}
    assert len(tops) == 2
    for needed in (
        "bench/report/theme.css",
        "bench/cli/completion/common.sh",
        "servers/__main__.py",
        "loadgen/peers/drivers/epoll.c",
    ):
        assert f"gilbench/{needed}" in names
    assert not [name for name in names if "__pycache__" in name or "/installed/" in name]


def test_commands_run_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    assert set(COMMANDS) <= set(gilbench(installed, tmp_path, "--help").split())
    plan = ("--pythons", PYTHON, "--servers", "serial", "--workloads", "io", "--clients", "1", "--passes", "1")
    shown = gilbench(installed, tmp_path, "bench", *plan, "--budget", "15s", "--window", "50ms")
    assert "serial-io-1-mine" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    run = json.loads((tmp_path / "results/latest/run.json").read_text(encoding="utf-8"))
    assert run["command"].startswith("gilbench bench --pythons ")
    assert (tmp_path / "results/latest/benchmark.json").is_file()
    assert gilbench(installed, tmp_path, "report", "--quiet").strip() == "results/latest/report.html"
    watched = json.loads(
        gilbench(installed, tmp_path, "watch", str(os.getpid()), "--for", "300ms", "--json", "--no-py-spy")
    )
    assert watched["total"]["threads"] >= 1
    with one_thread() as port:
        load = json.loads(
            gilbench(installed, tmp_path, "load", f"127.0.0.1:{port}", "--duration", "100ms", "--json", "-")
        )
    assert load["requests"] > 0
    printed = gilbench(installed, tmp_path, "python", "-c", "from bench.analysis import load_run; print(load_run)")
    assert "load_run" in printed
