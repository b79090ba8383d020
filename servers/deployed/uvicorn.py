"""uvicorn: one process, or a parent with spawned workers that inherit its socket. Source: https://uvicorn.dev."""

from __future__ import annotations

from typing import List

from . import WATCHDOG_S, Ways

PROGRAM = "uvicorn"

_ON = {
    "uvicorn": ["--loop", "asyncio", "--http", "h11"],
    "uvicorn-uvloop": ["--loop", "uvloop", "--http", "httptools"],
}


def arguments(ways: Ways) -> List[str]:
    several = ["--workers", str(ways.workers), "--timeout-worker-healthcheck", str(WATCHDOG_S)]
    return [
        *("--host", ways.host),
        *("--port", str(ways.port)),
        *_ON[ways.model],
        *("--log-level", "warning"),
        "--no-access-log",
        *("--timeout-keep-alive", str(WATCHDOG_S)),
        *(several if ways.workers > 1 else []),
        ways.application,
    ]
