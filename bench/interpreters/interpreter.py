"""An interpreter to measure, and the environment of a process that runs under it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bench.interpreters.variants import PLAIN, InterpreterSettings
from bench.schema.build import Build


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter to measure.

    Attributes:
        name: the name that the run knows it by.
        build: what it reports of itself.
        changed: what is changed about it.
    """

    name: str
    build: Build
    changed: InterpreterSettings = PLAIN

    @property
    def executable(self) -> Path:
        return Path(self.build.executable)

    @property
    def version(self) -> str:
        """Return the whole version, with a ``t`` if it is free-threaded: ``3.13.0t``."""
        return f"{self.build.version}{'t' if self.build.freethreaded else ''}"

    @property
    def series(self) -> str:
        """Return the version without its last number: ``3.13t``."""
        major, minor = self.release
        return f"{major}.{minor}{'t' if self.build.freethreaded else ''}"

    @property
    def release(self) -> tuple[int, int]:
        """Return the first two numbers of its version."""
        return self.build.version_info[:2]


def interpreter_environment() -> dict[str, str]:
    """Return the environment of a process under an interpreter: nothing that changes a Python's behaviour."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in {"VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    }
