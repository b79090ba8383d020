"""Programs named by a path: what is named is what is launched, whatever it turns out to run."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import resolve
from bench.runner.server import Server, serving
from bench.runner.verification import DESCRIBING
from tests.support import interpreters

PYTHON = Path(sys.executable).resolve()


def wrapper(path: Path, line: str, program: Path | str = PYTHON) -> Path:
    """Write a script that runs a Python as ``line`` says, in which PYTHON and ARGUMENTS stand for both."""
    line = line.replace("PYTHON", shlex.quote(str(program))).replace("ARGUMENTS", '"$@"')
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def ask(server: Server, request: bytes) -> dict[str, Any]:
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(request + b"\n")
        described: dict[str, Any] = json.loads(connection.makefile("rb").readline())
        return described


def resolved(what: Path | str) -> Interpreter:
    (interpreter,) = resolve(str(what), interpreters.found)
    return interpreter


def test_resolve_launches_a_wrapper_and_not_what_it_runs(tmp_path: Path) -> None:
    path = wrapper(tmp_path / "python-jemalloc", "MALLOC_ARENA_MAX=7 exec PYTHON ARGUMENTS")
    interpreter = resolved(path)
    assert (interpreter.name, interpreter.program) == ("python-jemalloc", path)
    assert Path(interpreter.build.executable) == PYTHON
    with serving(interpreter, "serial", DESCRIBING) as server:
        assert ask(server, b"MALLOC_ARENA_MAX")["environment"] == {"MALLOC_ARENA_MAX": "7"}
        assert server.said["pid"] == server.pid


def test_server_under_a_wrapper_that_waits_is_ended_with_it(tmp_path: Path) -> None:
    interpreter = resolved(wrapper(tmp_path / "python-slow", "PYTHON ARGUMENTS\nexit $?"))
    with serving(interpreter, "threaded", "echo") as server:
        assert server.said["pid"] != server.pid
        serving_process = psutil.Process(server.said["pid"])
        assert serving_process.ppid() == server.pid
    assert not serving_process.is_running()


def test_resolve_keeps_the_folder_of_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``./python`` is not looked up on PATH."""
    (tmp_path / "bin").mkdir()
    wrapper(tmp_path / "bin/python", "FROM=path exec PYTHON ARGUMENTS")
    mine = wrapper(tmp_path / "python", "FROM=here exec PYTHON ARGUMENTS")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    assert resolved("./python").program == mine
    assert resolved("python").program == tmp_path / "bin/python"
    assert resolved("mine=../" + tmp_path.name + "/python").program == mine


def test_resolve_names_several_on_one_version_by_itself(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder / "bin").mkdir(parents=True)
        wrapper(tmp_path / folder / "bin/python3", "exec PYTHON ARGUMENTS")
    (tmp_path / "link").symlink_to(PYTHON)
    spec = f"{tmp_path}/one/bin/python3,{tmp_path}/two/bin/python3,{tmp_path}/link,{PYTHON}"
    names = [one.name for one in resolve(spec, interpreters.found)]
    assert names[:2] == ["python3", "two-python3"]
    assert len(set(names)) == 4
    assert all(name.isascii() and "/" not in name for name in names)


def test_resolve_refuses_one_program_named_twice(tmp_path: Path) -> None:
    path = wrapper(tmp_path / "python-once", "exec PYTHON ARGUMENTS")
    with pytest.raises(GilbenchError, match="two interpreters are named python-once"):
        resolve(f"{path},{path}", interpreters.found)
    assert len(resolve(f"a={path},b={path}", interpreters.found)) == 2


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("{}", "is a folder: name the program in it, as .*/bin/python3"),
        ("{}/a,b/python", "has a comma in it, which separates interpreters: make a link"),
        ("2.7", "CPython 2.7 is too old: gilbench measures CPython 3.9 and newer"),
        ("{}/nosuch", "is neither a version nor a program"),
        ("{}/text", "is neither a version nor a program"),
        ("{}/broken", "is not a working Python"),
    ],
)
def test_resolve_says_what_a_name_stands_for_if_it_is_no_interpreter(tmp_path: Path, what: str, says: str) -> None:
    (tmp_path / "a,b").mkdir()
    wrapper(tmp_path / "a,b/python", "exec PYTHON ARGUMENTS")
    wrapper(tmp_path / "broken", "exit 3")
    (tmp_path / "text").write_text("no program", encoding="utf-8")
    with pytest.raises(GilbenchError, match=says):
        resolve(what.format(tmp_path), interpreters.found)


def test_run_json_has_both_the_program_named_and_what_it_runs(tmp_path: Path) -> None:
    path = wrapper(tmp_path / "python-both", "exec PYTHON ARGUMENTS")
    build = resolved(path).build
    assert (build.program, build.executable) == (str(path), str(PYTHON))
    assert resolved(PYTHON).build.program == ""
