"""An environment for each interpreter, created from outside: the interpreter needs neither pip nor venv."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import IMPORT_PATH, Interpreter, interpreter_environment
from bench.paths import cache

KEPT: Final = cache() / "interpreters"
_TIMEOUT_S = 300.0
_INSTALLERS: Final = frozenset({"pip", "setuptools", "wheel"})
_NAME: Final = re.compile(r"[\w.-]+")


class CannotPrepare(GilbenchError):
    """Packages cannot be had for an interpreter.

    Attributes:
        reason: why, without the remedy.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}; if no package index can be reached, put their wheels into a folder, name it in PIP_FIND_LINKS "
            "and set PIP_NO_INDEX=1 (with uv: UV_FIND_LINKS and UV_OFFLINE=1)"
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Prepared:
    """An interpreter with packages.

    Attributes:
        program: runs it.
        variables: the variables that the program needs to find the packages.
        packages: folder of the packages; ``None``: there are none.
    """

    program: Path
    variables: dict[str, str]
    packages: Path | None = None

    def versions(self) -> dict[str, str]:
        """Return the version of each installed package, by its name in lower case."""
        if self.packages is None:
            return {}
        found = importlib.metadata.distributions(path=[str(self.packages)])
        versions = sorted((each.metadata["Name"].lower(), each.version) for each in found)
        return {name: version for name, version in versions if name not in _INSTALLERS}


def prepare(interpreter: Interpreter, packages: Sequence[str], *, wheels_only: bool = False) -> Prepared:
    """Return how to run an interpreter with packages, whose environment is made if it is not there.

    A wrapper is still what runs, and so is the Python of a user's environment, whose own packages are found too.

    Args:
        interpreter: the interpreter.
        packages: names, with or without versions.
        wheels_only: build nothing from source.

    Raises:
        CannotPrepare: it cannot be made; the message says what could not be had.
    """
    if not packages:
        return Prepared(interpreter.program, {})
    python = _environment(interpreter, packages, wheels_only=wheels_only)
    (installed,) = python.parent.parent.glob("lib/python*/site-packages")
    if not interpreter.is_wrapped and not _in_environment(interpreter):
        return Prepared(python, {}, installed)
    return Prepared(interpreter.program, {IMPORT_PATH: str(installed)}, installed)


def _in_environment(interpreter: Interpreter) -> bool:
    return (interpreter.program.parent.parent / "pyvenv.cfg").is_file()


def _environment(interpreter: Interpreter, packages: Sequence[str], *, wheels_only: bool) -> Path:
    """Return the Python of an environment that has the packages, made if it is not there.

    Raises:
        CannotPrepare: it cannot be created; the message gives the reason.
    """
    build = interpreter.build
    key = hashlib.sha256(f"{build.executable}{build.version}{build.built}{' '.join(packages)}".encode()).hexdigest()
    first = _NAME.match(packages[0])
    folder = KEPT / f"{interpreter.series}-{first[0] if first else ''}-{key[:12]}"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv")
    wheels = ["--only-binary", ":all:"] if wheels_only else []
    if uv:
        make = [uv, "venv", "--quiet", "--no-project", "--python", build.executable]
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        make = [sys.executable, "-m", "virtualenv", "--quiet", "--no-setuptools", "--python", build.executable]
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([*make, str(folder)], [*install, *wheels, *packages]):
        _run(interpreter, command, packages)
    (folder / "complete").touch()
    return python


def _run(interpreter: Interpreter, command: list[str], packages: Sequence[str]) -> None:
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
        names = " and ".join(packages)
        raise CannotPrepare(f"cannot create an environment with {names} for {interpreter.name}: {last.strip()}")
