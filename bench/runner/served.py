"""Waiting until a server over HTTP serves: it answers, every worker of it, and it has nothing left to start."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable
from typing import Any, Final

from bench.errors import ServerFailed
from bench.threads import usage
from bench.threads.sampler import QUIET_CORES
from servers.applications import WHO

QUIET_FOR_S: Final = 0.1
MORE_WITHIN_S: Final = 1.0
"""How long to look for another worker: the kernel may give all connections to one."""
ANSWER_TIMEOUT_S: Final = 10.0
_PAUSE_S: Final = 0.01
_FAILED: Final = 500


def ask(port: int, path: str, body: bytes | None = None) -> bytes:
    """Return the body of a reply.

    Raises:
        OSError, http.client.HTTPException: there is no reply.
        ServerFailed: it has a status of 500 or more.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body=body, headers={"Connection": "close"})
        with connection.getresponse() as reply:
            content = reply.read()
        if reply.status >= _FAILED:
            raise ServerFailed(f"answers {reply.status} {reply.reason} to {path}")
        return content


def wait_until_served(
    root: int, port: int, workers: int, path: str | None, *, deadline_s: float, check: Callable[[], None]
) -> dict[str, Any]:
    """Wait until a server answers, and return what it says of itself.

    Args:
        root: its first process.
        port: the port that it is to listen on.
        workers: how many processes are expected to answer.
        path: what to ask a user's application for; ``None``: our own application says who serves.
        deadline_s: until when, on the monotonic clock.
        check: raises if the server has ended.

    Returns:
        The description of :mod:`servers.applications` of the last worker to answer, with ``pids``, all that did, and
        ``gil_enabled`` if it is on in any; for a user's application neither is known.

    Raises:
        ServerFailed: it has ended, answers with a failure, or does not answer in time.
    """
    said: dict[str, Any] = {}
    pids: set[int] = set()
    found_s, failure = time.monotonic(), ""
    while time.monotonic() < deadline_s:
        check()
        try:
            content = ask(port, WHO if path is None else path)
            one = json.loads(content) if path is None else {}
        except ServerFailed as exc:
            failure = str(exc)
            if time.monotonic() - found_s > MORE_WITHIN_S:
                raise
        except (OSError, http.client.HTTPException, ValueError):
            found_s = time.monotonic()
        else:
            said = one | {"gil_enabled": one.get("gil_enabled", False) or said.get("gil_enabled", False)}
            if one.get("pid", 0) not in pids:
                pids.add(one.get("pid", 0))
                found_s = time.monotonic()
            if (len(pids) >= workers or time.monotonic() - found_s > MORE_WITHIN_S) and _is_quiet(root):
                return said | {"pids": sorted(pids - {0})}
        time.sleep(_PAUSE_S)
    raise ServerFailed(failure or "does not answer")


def _is_quiet(root: int) -> bool:
    """Return whether a server that nobody asks anything does nothing."""
    before_s, began_s = _cpu_s(root), time.monotonic()
    time.sleep(QUIET_FOR_S)
    return _cpu_s(root) - before_s < QUIET_CORES * (time.monotonic() - began_s)


def _cpu_s(root: int) -> float:
    with contextlib.suppress(OSError):
        return usage.read(root).cpu_s
    return 0.0
