"""granian: HTTP in Rust; processes that each have a socket (SO_REUSEPORT), or threads of one on builds without a GIL.

Source: https://github.com/emmett-framework/granian.
"""

from __future__ import annotations

from typing import List

from . import Ways

PROGRAM = "granian"

_SERVES = {
    "granian-asgi": ["--interface", "asgi", "--loop", "asyncio"],
    "granian-wsgi": ["--interface", "wsgi"],
}


def arguments(ways: Ways) -> List[str]:
    threads = ["--blocking-threads", str(ways.threads)] if ways.model == "granian-wsgi" else []
    return [
        *_SERVES[ways.model],
        *threads,
        *("--host", ways.host),
        *("--port", str(ways.port)),
        *("--workers", str(ways.workers)),
        *("--runtime-mode", "st", "--runtime-threads", "1"),
        *("--http", "1", "--no-ws"),
        "--no-access-log",
        *("--log-level", "warning"),
        ways.application,
    ]
