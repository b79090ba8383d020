"""Whether an interpreter that serves is what its target's name says, by its own word from within a request."""

from __future__ import annotations

import json
import socket
from typing import Any, Final

from bench.errors import ServerFailed
from bench.interpreters.targets import Target
from bench.runner.server import Server

DESCRIBING: Final = "servers.interpreter:describe"
"""The handler that a server is to be started with."""

_TIMEOUT_S = 5.0


def prove(server: Server, model: str, target: Target) -> None:
    """Ask a server that serves :data:`DESCRIBING`.

    Raises:
        ServerFailed: what was asked for did not take hold; the message says what, and what to leave out.
    """
    environment = target.changed.environment
    said = _ask(server.port, ",".join(environment) or "-")
    wanted = target.changed.state(target.build) | {"environment": environment, "ignores_environment": False}
    if "hash" in target.build:
        wanted["hash"] = target.build["hash"]
    wrong = [f"{name} is {said.get(name)}, not {value}" for name, value in wanted.items() if said.get(name) != value]
    if wrong:
        raise ServerFailed(
            f"{target.name} is not what it is called where {model} serves: {'; '.join(wrong)}; leave {model} out, or "
            f"{target.name}"
        )


def _ask(port: int, request: str) -> dict[str, Any]:
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT_S) as connection:
            connection.sendall(f"{request}\nQ\n".encode())
            reply = connection.makefile("rb").readline()
        said: dict[str, Any] = json.loads(reply)
    except (OSError, ValueError) as exc:
        raise ServerFailed(f"a server does not tell what interpreter it runs under: {exc}") from exc
    return said
