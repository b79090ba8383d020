"""Discovery of interpreters, and the interpreters that names stand for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.cli.commands import main
from bench.errors import GilbenchError
from bench.interpreters import discovery
from bench.interpreters.discovery import discover
from bench.interpreters.interpreter import Interpreter, interpreter_environment
from bench.interpreters.selection import auto, resolve
from tests.support import interpreters

PROBE = Path(discovery.__file__).with_name("probe.py")
FIELDS = {"executable", "version", "implementation", "compiler", "pgo", "lto", "flags", "libc", "gil_enabled", "jit"}


def program(folder: Path, name: str, **fields: object) -> Path:
    """Write a program that answers the probe as an interpreter would."""
    path = folder / name
    build: dict[str, Any] = {
        "executable": str(path),
        "version": "3.13.1",
        "version_info": [3, 13, 1, "final", 0],
        "implementation": "CPython",
        "freethreaded": False,
        "gil_enabled": True,
        "debug": False,
        "compiler": "GCC 12",
        "built": "main Jan  1 2026 00:00:00",
        "pgo": True,
        "lto": None,
        "jit": "unavailable",
    } | fields
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(build)}\nEND\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def version(text: str, **fields: object) -> dict[str, object]:
    number = text.rstrip("t")
    major, minor, patch = map(int, number.split("."))
    return {
        "version": number,
        "version_info": [major, minor, patch, "final", 0],
        "freethreaded": text.endswith("t"),
        "gil_enabled": not text.endswith("t"),
    } | fields


def found(folder: Path, *versions: str) -> list[Interpreter]:
    paths = [program(folder, f"python{one}", **version(one)) for one in versions]
    return discover(lambda: paths)


def names(many: Sequence[Interpreter]) -> list[str]:
    return [one.name for one in many]


def test_resolve_finds_the_interpreter_of_the_harness() -> None:
    own = resolve(sys.executable, interpreters.found)
    assert len(own) == 1
    assert own[0].build.version_info == sys.version_info
    assert own[0].program.samefile(getattr(sys, "_base_executable", sys.executable))


def test_resolve_keeps_a_virtual_environment_with_its_packages(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    (mine,) = resolve(f"mine={tmp_path}/bin/python", interpreters.found)
    where = subprocess.run([mine.program, "-c", "import sys; print(sys.prefix)"], capture_output=True, check=True)
    assert Path(where.stdout.decode().strip()) == tmp_path


def test_discover_gives_the_newest_of_a_series_its_short_name(tmp_path: Path) -> None:
    assert names(found(tmp_path, "3.12.9", "3.13.0", "3.13.15", "3.13.15t")) == ["3.13", "3.13t", "3.13.0", "3.12"]


def test_discover_counts_a_program_with_several_names_once(tmp_path: Path) -> None:
    path = program(tmp_path, "python3.13")
    link = tmp_path / "python3"
    link.symlink_to(path)
    assert len(discover(lambda: [link, path, path])) == 1


def test_discover_leaves_out_what_does_not_run_as_a_cpython(tmp_path: Path) -> None:
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    talker = tmp_path / "python3.11"
    talker.write_text("#!/bin/sh\necho '[]'\n", encoding="utf-8")
    talker.chmod(0o755)
    old = program(tmp_path, "python3.8", **version("3.8.18"))
    pypy = program(tmp_path, "pypy3.11", implementation="PyPy")
    assert discover(lambda: [broken, talker, old, pypy, tmp_path / "nowhere"]) == []


def test_discover_finds_programs_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "python3.14t", **version("3.14.77t"))
    monkeypatch.setenv("PATH", f"{tmp_path}/nowhere:{tmp_path}:/bin")
    monkeypatch.setattr(discovery, "ALL_PROVIDERS", {})
    assert "3.14.77t" in [one.version for one in discover()]


@pytest.mark.parametrize(
    ("wanted", "versions"),
    [
        ("3.13", ["3.13.15"]),
        ("3.13.0", ["3.13.0"]),
        ("3.13t", ["3.13.15t"]),
        ("3", ["3.14.2"]),
        ("3.13,3.13t", ["3.13.15", "3.13.15t"]),
        ("old=3.13.0, new=3.13.15", ["3.13.0", "3.13.15"]),
    ],
)
def test_resolve_takes_the_newest_that_fits_a_short_name(tmp_path: Path, wanted: str, versions: list[str]) -> None:
    have = found(tmp_path, "3.13.0", "3.13.15", "3.13.15t", "3.14.2")
    assert [one.version for one in resolve(wanted, lambda: have)] == versions


def test_resolve_takes_a_path_and_a_chosen_name(tmp_path: Path) -> None:
    have = found(tmp_path, "3.13.15")
    elsewhere = program(tmp_path, "mine", **version("3.14.0"))
    assert names(resolve(f"{elsewhere},work={tmp_path}/python3.13.15", lambda: have)) == ["3.14.0", "work"]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("3.12", "no CPython 3.12 found (found: 3.13): install it with uv python install 3.12"),
        ("3.8", "CPython 3.8 is too old: gilbench measures CPython 3.9 and newer"),
        ("nosuch", "'nosuch' is neither a version nor a program"),
        ("/bin/sh", "/bin/sh is not a working Python"),
        ("3.13,3.13", "two interpreters are named 3.13"),
        ("a/b=3.13", "invalid name"),
        ("", "--pythons is empty"),
    ],
)
def test_resolve_refuses_in_one_line_with_the_remedy(tmp_path: Path, wanted: str, says: str) -> None:
    with pytest.raises(GilbenchError) as refused:
        resolve(wanted, lambda: found(tmp_path, "3.13.15"))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_auto_takes_the_newest_pair_that_differs_in_the_gil_alone(tmp_path: Path) -> None:
    assert names(auto(found(tmp_path, "3.13.1", "3.13.1t", "3.14.0", "3.12.0", "3.12.1t"))) == ["3.13", "3.13t"]


def test_auto_takes_the_newest_and_that_of_the_harness_without_a_pair(tmp_path: Path) -> None:
    program(tmp_path, "python3.99", **version("3.99.0"))
    have = discover(lambda: [tmp_path / "python3.99", Path(sys.executable)])
    assert [one.version for one in auto(have)] == ["3.99.0", sys.version.split()[0]]
    beta = program(tmp_path, "beta", **version("3.100.0", version_info=[3, 100, 0, "beta", 1]))
    assert "3.100.0" not in [one.version for one in auto(discover(lambda: [beta, Path(sys.executable)]))]
    with pytest.raises(GilbenchError, match="uv python install"):
        auto(discover(lambda: [beta]))


def test_interpreter_environment_has_nothing_of_the_shells_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHON_GIL", "1")
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    monkeypatch.setenv("LANG", "C")
    environment = interpreter_environment()
    assert not [name for name in environment if name.startswith("PYTHON")]
    assert "VIRTUAL_ENV" not in environment
    assert environment["LANG"] == "C"


def test_probe_runs_under_every_interpreter() -> None:
    for one in interpreters.chosen().values():
        done = subprocess.run(
            [one.program, "-I", PROBE],
            capture_output=True,
            check=True,
            env=interpreter_environment(),
        )
        assert json.loads(done.stdout)["version"] == one.build.version
        assert not done.stderr


def test_pythons_prints_every_interpreter_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("bench.cli.pythons.discover", interpreters.found)
    assert main(["pythons"]) == 0
    table = capsys.readouterr().out
    for one in interpreters.found():
        assert one.version in table
        assert str(one.program) in table.replace("\n", "")
    assert "--pythons auto measures: " in table
    assert main(["pythons", "--json", sys.executable]) == 0
    (build,) = json.loads(capsys.readouterr().out).values()
    assert build.keys() >= FIELDS


def test_pythons_reports_a_missing_interpreter_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.cli.pythons.discover", interpreters.found)
    assert main(["pythons", "3.99"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit) as end:
        main(["snakes"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
