"""An environment for each interpreter, created from outside: the interpreter needs neither pip nor venv."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import IMPORT_PATH, Interpreter, interpreter_environment
from bench.paths import cache

PACKAGES: Final = ("pytest", "pytest-benchmark")
KEPT: Final = cache() / "micro-interpreters"
_TIMEOUT_S = 300.0


def runner(interpreter: Interpreter) -> tuple[Path, dict[str, str]]:
    """Return a program that runs an interpreter with :data:`PACKAGES`, and the variables that it needs for that.

    It is the Python of an environment, made if it is not there. A wrapper is still what runs, with its packages.

    Raises:
        GilbenchError: it cannot be made; the message says what could not be had.
    """
    python = _environment(interpreter)
    if not interpreter.is_wrapped:
        return python, {}
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    return interpreter.program, {IMPORT_PATH: str(packages)}


def _environment(interpreter: Interpreter) -> Path:
    """Return the Python of an environment of an interpreter that has :data:`PACKAGES`, made if it is not there.

    Raises:
        GilbenchError: it cannot be created; the message gives the reason.
    """
    key = hashlib.sha256(
        f"{interpreter.build.executable}{interpreter.build.version}{interpreter.build.built}".encode()
    ).hexdigest()
    folder = KEPT / f"{interpreter.series}-{key[:12]}"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv")
    if uv:
        _run(
            interpreter, [uv, "venv", "--quiet", "--no-project", "--python", interpreter.build.executable, str(folder)]
        )
        _run(interpreter, [uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES])
    else:
        make = [
            sys.executable,
            "-m",
            "virtualenv",
            "--quiet",
            "--no-setuptools",
            "--python",
            interpreter.build.executable,
        ]
        _run(interpreter, [*make, str(folder)])
        _run(interpreter, [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES])
    (folder / "complete").touch()
    return python


def _run(interpreter: Interpreter, command: list[str]) -> None:
    kept = {name: text for name, text in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    try:
        done = subprocess.run(
            command,
            env=interpreter_environment() | kept,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        exc = (done.stderr.strip() or done.stdout.strip()).splitlines() if done.returncode else []
        failed = done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        exc, failed = [str(error)], True
    if failed:
        last = exc[-1] if exc else "no reason was given"
        raise GilbenchError(
            f"cannot create an environment with {' and '.join(PACKAGES)} for {interpreter.name}: {last}; if no package "
            "index can be reached, put their wheels into a folder, name it in PIP_FIND_LINKS and set PIP_NO_INDEX=1 "
            "(with uv: UV_FIND_LINKS and UV_OFFLINE=1)"
        )
