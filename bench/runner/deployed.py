"""Servers that people deploy: their packages under an interpreter, and what they are started with."""

from __future__ import annotations

import re
import socket
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.environments import Prepared, prepare
from bench.interpreters.interpreter import Interpreter
from servers.models import Model

_VERSION: Final = re.compile(r"==.*")
_prepared: Final[dict[tuple[str, tuple[str, ...]], Prepared]] = {}


def prepare_server(row: Model, interpreter: Interpreter) -> Prepared:
    """Return an interpreter with a server's packages, in the pinned versions if they exist for it, else in any.

    Raises:
        GilbenchError: there is no version for this interpreter, or no package index can be reached.
    """
    key = (str(interpreter.program), row.packages)
    if key not in _prepared:
        try:
            _prepared[key] = prepare(interpreter, row.packages, wheels_only=True)
        except GilbenchError:
            names = [_VERSION.sub("", package) for package in row.packages]
            _prepared[key] = prepare(interpreter, names, wheels_only=True)
    return _prepared[key]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
