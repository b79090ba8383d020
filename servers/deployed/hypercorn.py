"""hypercorn: one process, or spawned workers that inherit the socket. Source: https://hypercorn.readthedocs.io."""

from __future__ import annotations

from typing import List

from . import WATCHDOG_S, Ways

PROGRAM = "hypercorn"


def arguments(ways: Ways) -> List[str]:
    return [
        *("--bind", ways.address),
        *("--workers", str(ways.workers if ways.workers > 1 else 0)),  # 0: in the first process
        *("--worker-class", "asyncio"),
        *("--keep-alive", str(WATCHDOG_S)),
        *("--log-level", "WARNING"),
        ways.application,
    ]
