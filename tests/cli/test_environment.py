"""What a shell sets for other programs does not reach the harness, and what it lacks is made up for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.analysis.columns import TABLES
from bench.cli import compare, export
from bench.paths import ROOT
from bench.report.comparison import COMPARISON_FORMATS
from bench.report.export import EXPORT_FORMATS, EXPORTED
from loadgen.limits import PROTOCOL_NAMES
from loadgen.native import cache
from loadgen.peers import command as peers
from loadgen.peers import servers
from loadgen.protocols import PROTOCOLS
from tests.support.command import MAIN, gilbench
from tests.support.interpreters import FEW_PYTHONS
from tests.support.made import Made

HOSTILE = {
    "PYTEST_ADDOPTS": "-n auto --no-such-option",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_PLUGINS": "nosuchplugin",
    "PYTHONOPTIMIZE": "1",
    "PYTHONWARNINGS": "error",
    "PYTHONSTARTUP": "/nowhere",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "NUMBA_DISABLE_JIT": "1",
}
CELL = (f"--pythons=own={sys.executable}", "--servers=serial", "--clients=1", "--passes=1")


def test_bench_runs_in_an_environment_of_its_own_and_handlers_in_the_users(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.dpi: 7\n", encoding="utf-8")
    (tmp_path / "shows.py").write_text(
        "import os\ndef show(request): return os.environ['MPLBACKEND'].encode()\n", encoding="utf-8"
    )
    words = ("bench", *CELL, "--workload=./shows.py:show", "--budget=30s", "--window=50ms", "-v")
    done = gilbench(*words, f"--results={tmp_path}/results", cwd=tmp_path, TMPDIR=str(tmp_path), **HOSTILE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results/latest/report.html").is_file()
    (record,) = (tmp_path / "results/latest/records.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(record)["errors"] == {}
    ignored = (
        " ".join(done.stdout.split()).partition("ignored by the harness, not by handlers: ")[2].partition(" pass 1")[0]
    )
    for name in ("PYTEST_ADDOPTS", "PYTHONOPTIMIZE", "MPLBACKEND", "NUMBA_DISABLE_JIT"):
        assert f"{name}," in f"{ignored},"


@pytest.fixture
def public_path() -> Iterator[Path]:
    """Return a folder that anybody may enter; pytest closes its own to others whenever a session begins."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_commands_do_without_a_home_and_a_checkout_that_can_be_written_to(public_path: Path) -> None:
    """As in a container: the checkout is another user's, and there is no home."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to run as somebody to whom nothing belongs")
    made = Made(models=("serial",), workloads=("echo",), clients=(1,), interpreters=("3.13", "3.14"))
    run = made.write(public_path / "run")
    temporary = public_path / "temporary"
    temporary.mkdir()
    for path in (*run.rglob("*"), run, temporary):
        path.chmod(0o777 if path in {run, temporary} else 0o755 if path.is_dir() else 0o644)
    for words in (("doctor",), ("report", str(run), "-q"), ("compare", str(run))):
        done = subprocess.run(
            [*("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-P", MAIN), *words],
            cwd="/",
            env={"PATH": FEW_PYTHONS["PATH"], "HOME": "/nonexistent", "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if "Permission denied" in done.stderr and str(Path(sys.executable).parent) in done.stderr:
            pytest.skip("the interpreter of the tests lies where nobody else may read")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert (run / "report.html").is_file()


def test_cache_folder_is_private_where_neither_checkout_nor_home_can_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    folder = cache._root()
    assert folder == tmp_path / f"gilbench-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert cache._root() == folder
    folder.rmdir()
    folder.symlink_to(tmp_path)  # somebody else's
    assert cache._root().parent == tmp_path
    assert not cache._root().is_symlink()


def test_commands_that_make_no_load_do_not_import_the_engine() -> None:
    code = (
        "import sys; from bench.cli.commands import COMMANDS\n"
        "for name in ('doctor', 'report', 'compare', 'explain', 'pythons', 'history'): COMMANDS[name].load()\n"
        "print([name for name in sys.modules if name.startswith('loadgen.engine')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.strip() == "[]"


def test_commands_import_nothing_that_takes_long_for_their_help() -> None:
    code = (
        "import sys; from bench.cli.commands import COMMANDS\n"
        "for name in COMMANDS: COMMANDS[name].load().parser().format_help()\n"
        "heavy = ('numpy', 'pandas', 'numba', 'matplotlib', 'jinja2', 'scipy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_commands_name_in_their_help_what_there_is() -> None:
    assert tuple(COMPARISON_FORMATS) == compare.FORMATS
    assert tuple(EXPORTED) == tuple(TABLES) == export.TABLES
    assert {ending: form.title for ending, form in EXPORT_FORMATS.items()} == export.EXTENSIONS
    assert tuple(servers.SERVERS) == peers.SERVERS
    assert (*PROTOCOLS, "http", "raw") == PROTOCOL_NAMES
