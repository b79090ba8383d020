"""An interpreter to measure, and the environment of a process that runs under it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.interpreters.variants import PLAIN, InterpreterSettings
from bench.isolation import users_environment
from bench.schema.build import Build

IMPORT_PATH: Final = "PYTHONPATH"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter to measure.

    Attributes:
        name: its name in the run.
        build: what it reports of itself.
        changed: its changed settings.
    """

    name: str
    build: Build
    changed: InterpreterSettings = PLAIN

    @property
    def program(self) -> Path:
        """The program to launch, as it was named."""
        return Path(self.build.program or self.build.executable)

    @property
    def is_wrapped(self) -> bool:
        """Whether the program is another one than the interpreter, which it runs."""
        return self.program.resolve() != Path(self.build.executable)

    @property
    def version(self) -> str:
        """Return the full version, with a ``t`` if it is free-threaded: ``3.13.0t``."""
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


def interpreter_environment(*, import_path: bool = False) -> dict[str, str]:
    """Return the environment of a process under an interpreter: nothing that changes a Python's behaviour.

    Args:
        import_path: with PYTHONPATH, for a handler that imports what it would in the user's shell.
    """
    kept = {IMPORT_PATH} if import_path else set()
    return {
        name: value
        for name, value in users_environment().items()
        if name in kept or not (name.startswith("PYTHON") or name in {"VIRTUAL_ENV", "__PYVENV_LAUNCHER__"})
    }
