"""Commands, run as in a terminal at the repository's root.

The project's own commands run in this process, which has already imported what most of them need a second to import.
Other commands run in a shell.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, Final

from docs.blocks.programs import Program, program, runnable
from docs.sessions import ROOT

_BASH: Final = shutil.which("bash") or "bash"
_STATUS: Final = "echo $?"
_PIPE: Final = re.compile(r"""((?:[^|'"]|'[^']*'|"[^"]*")*)\|(.*)""", re.DOTALL)
_SHELL_ONLY: Final = frozenset(";&<>()")
_ENVIRONMENT: Final = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
_INTERPRETER: Final = re.compile(r"(?<!\S)python3?(?= )")


class Shell:
    """A shell that remembers the status of the last command.

    Attributes:
        status: exit status of the last command.
    """

    def __init__(self) -> None:
        self.status = 0

    def run(self, command: str) -> str:
        """Run a command and return what it wrote to standard output and standard error.

        Raises:
            ValueError: it names a session or command that the project does not have.
        """
        if command == _STATUS:
            said, self.status = f"{self.status}\n", 0
            return said
        first, rest = _divide(command)
        own = program(shlex.split(first)) if not _SHELL_ONLY & set(_unquote(first)) else None
        with _set_up():
            if own is None or not own.module:
                self.status, printed = _bash(command)
            else:
                self.status, printed = _program(own)
                if rest:
                    self.status, printed = _bash(rest, printed)
        return printed


def _divide(command: str) -> tuple[str, str]:
    found = _PIPE.fullmatch(command)
    return (found[1], found[2].strip()) if found else (command, "")


def _unquote(command: str) -> str:
    return re.sub(r"""'[^']*'|"[^"]*\"""", "", command)


def _bash(command: str, given: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [_BASH, "-o", "pipefail", "-c", _INTERPRETER.sub(shlex.quote(sys.executable), command)],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _program(own: Program) -> tuple[int, str]:
    """Call a module's ``main``; return the status and all output to both streams, child processes included."""
    if own.module == "-c":
        code, *words = own.words
        namespace: dict[str, Any] = {"__name__": "__main__"}

        def run() -> object:
            exec(compile(code, "<string>", "exec"), namespace)  # noqa: S102 - the page's own program
            return 0

    else:
        words = list(own.words)
        main: Callable[[list[str]], object] = importlib.import_module(runnable(own.module)).main

        def run() -> object:
            return main(words)

    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        with _both_outputs(file.fileno()):
            status = _status(run)
        file.seek(0)
        return status, file.read()


def _status(run: Callable[[], object]) -> int:
    try:
        status = run()
    except SystemExit as end:
        status = end.code
        if isinstance(status, str):
            sys.stderr.write(f"{status}\n")
            status = 1
    return status if isinstance(status, int) else 0


@contextlib.contextmanager
def _both_outputs(to: int) -> Iterator[None]:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = [os.dup(number) for number in (1, 2)]
    try:
        for number in (1, 2):
            os.dup2(to, number)
        with (
            open(1, "w", encoding="utf-8", buffering=1, closefd=False) as out,
            open(2, "w", encoding="utf-8", buffering=1, closefd=False) as err,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            yield
    finally:
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)


@contextlib.contextmanager
def _set_up() -> Iterator[None]:
    """Work in the root, on a terminal of 80 columns without colour; restore folder and environment afterwards."""
    before = dict(os.environ)
    os.environ.update(_ENVIRONMENT)
    os.environ.pop("FORCE_COLOR", None)
    try:
        with contextlib.chdir(ROOT):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
