"""Verification that a serving interpreter is what its name says, by what it reports from within a request."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, Final

from bench.errors import ServerFailed
from bench.interpreters.interpreter import Interpreter
from bench.runner.served import ask
from bench.runner.server import Server

DESCRIBING: Final = "gilbench_servers.interpreter:describe"
"""The handler that a server is to be started with."""

_TIMEOUT_S = 5.0


def verify(server: Server, model: str, interpreter: Interpreter) -> None:
    """Verify the interpreter of a server that serves :data:`DESCRIBING`.

    Raises:
        ServerFailed: a setting did not take effect; the message says which, and what to leave out.
    """
    environment = interpreter.changed.environment
    said = _ask(server, ",".join(environment) or "-")
    wanted = interpreter.changed.state(interpreter.build) | {"environment": environment, "ignores_environment": False}
    if interpreter.build.hash is not None:
        wanted["hash"] = interpreter.build.hash
    wrong = [f"{name} is {said.get(name)}, not {value}" for name, value in wanted.items() if said.get(name) != value]
    if wrong:
        raise ServerFailed(
            f"{interpreter.name} is not what its name says under {model}: {'; '.join(wrong)}: leave out {model} or "
            f"{interpreter.name}"
        )


def _ask(server: Server, request: str) -> dict[str, Any]:
    try:
        reply = ask(server.port, "/", request.encode()) if server.speaks_http else _ask_line(server.port, request)
        said: dict[str, Any] = json.loads(reply)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise ServerFailed(f"a server does not report which interpreter it runs under: {exc}") from exc
    return said


def _ask_line(port: int, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), _TIMEOUT_S) as connection:
        connection.sendall(f"{request}\nQ\n".encode())
        return connection.makefile("rb").readline()
