"""The project's command that a command line runs, and its arguments."""

from __future__ import annotations

import importlib.util
import re
from typing import Final, NamedTuple

from bench.cli.commands import COMMANDS, PROGRAM
from docs.sessions import sessions
from loadgen.cli.main import SUBCOMMANDS

_PYTHON: Final = re.compile(r"python(3(\.\d+)?t?)?")
_NOX: Final = (("python3", "-m", "nox"), ("python", "-m", "nox"), ("uvx", "nox"), ("pipx", "run", "nox"), ("nox",))
_OTHERS: Final = {"pip", "venv"}
"""Modules from outside the project."""


class Program(NamedTuple):
    """A module's ``main``, and the arguments on its command line.

    Attributes:
        module: ``-c`` for Python code on the command line; empty for the main program without a command.
        words: arguments after the command.
        command: name of the command; empty if it is not in the table of commands.
    """

    module: str
    words: tuple[str, ...]
    command: str = ""


def program(words: list[str]) -> Program | None:
    """Return the program that a command line runs, or ``None`` if it is not one of the project's.

    Raises:
        ValueError: nox has no such session, or gilbench no such command.
    """
    for nox in _NOX:
        if tuple(words[: len(nox)]) == nox:
            return _session(words[len(nox) :])
    if words[:1] == [PROGRAM]:
        return _command(words[1:])
    if not words or not _PYTHON.fullmatch(words[0]) or len(words) < 3 or words[2] in _OTHERS:
        return None
    if words[1] == "-c":
        return Program("-c", tuple(words[2:]))
    return Program(words[2], tuple(words[3:])) if words[1] == "-m" else None


def _command(words: list[str]) -> Program:
    if not words or words[0] not in COMMANDS:
        raise ValueError(f"{PROGRAM} {' '.join(words[:1])}: no such command; there are {', '.join(COMMANDS)}")
    if words[:2] == ["python", "-c"]:
        return Program("-c", tuple(words[2:]))
    if words[0] == "load" and words[1:2] and words[1] in SUBCOMMANDS:
        return Program(SUBCOMMANDS[words[1]].__name__, tuple(words[2:]), words[0])
    return Program(COMMANDS[words[0]].module, tuple(words[1:]), words[0])


def _session(words: list[str]) -> Program | None:
    if words[:1] == ["-f"]:
        words = words[2:]
    if words[:1] != ["-s"]:
        if words in ([], ["-l"]):
            return None
        raise ValueError(f"nox {' '.join(words)}: a page says nox -s SESSION")
    known = sessions()
    several, own = (words[1 : words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words[1:], [])
    several = [word for word in several if word != "--install-only"]
    unknown = [word for word in several if word not in known]
    if unknown or not several:
        raise ValueError(f"{', '.join(unknown) or 'nothing'}: no session; there are {', '.join(known)}")
    return _command([several[0], *own]) if known[several[0]].command and len(several) == 1 else None


def runnable(module: str) -> str:
    """Return the name of the module that ``python -m`` would run.

    Raises:
        ValueError: there is no such module.
    """
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise ValueError(f"there is no module {module}")
    return module if spec.submodule_search_locations is None else f"{module}.__main__"
