"""gunicorn: an arbiter and its forks, which share the listening socket. Source: https://docs.gunicorn.org."""

from __future__ import annotations

from typing import List

from . import WATCHDOG_S, Ways

PROGRAM = "gunicorn"

_CLASSES = {
    "gunicorn-sync": ["sync"],
    "gunicorn-gthread": ["gthread"],
    "gunicorn-asgi": ["asgi", "--asgi-loop", "asyncio"],
    "gunicorn-gevent": ["gevent"],
}


def arguments(ways: Ways) -> List[str]:
    threads = ["--threads", str(ways.threads)] if ways.model == "gunicorn-gthread" else []
    return [
        *("--bind", ways.address),
        *("--workers", str(ways.workers)),
        *("--timeout", str(WATCHDOG_S)),
        *("--keep-alive", str(WATCHDOG_S)),
        "--no-control-socket",
        *("--worker-class", *_CLASSES[ways.model]),
        *threads,
        ways.application,
    ]
