"""The applications that real servers serve: the work of one request, behind WSGI and behind ASGI.

``GET /`` does a workload, ``POST /`` gives its body to it; :data:`WHO` answers who serves, in JSON. What the work is
comes from the environment, because a server imports its application by name, in whichever process serves.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import sys
from typing import Dict, NamedTuple, Optional

from ..conversation import Respond, RespondAsync
from ..tuning import RuntimeSettings

WORKLOAD = "GILBENCH_WORKLOAD"
TUNING = "GILBENCH_TUNING"
ROOT = "GILBENCH_ROOT"
"""Names of variables: the workload, the settings of :class:`~servers.tuning.RuntimeSettings` in JSON, and the pid of
the server's first process."""

WHO = "/.gilbench"
EMPTY = b"hello"
HEADERS = "text/plain"
FAILED = b"!"  # how a reply of a user handler begins that reports an exception


class Application(NamedTuple):
    """The work of a request, and what is known about it."""

    workload: str
    work: Dict[str, object]
    respond: Respond
    respond_async: Optional[RespondAsync]

    def who(self) -> bytes:
        """Describe the process that serves, in JSON."""
        said = {
            "pid": os.getpid(),
            "root": int(os.environ.get(ROOT, "0")),
            "workload": self.workload,
            "work": self.work,
            "version": sys.version.split()[0],
            "gil_enabled": getattr(sys, "_is_gil_enabled", lambda: True)(),
        }
        return json.dumps(said).encode()


def load() -> Application:
    """Return the application that the environment describes, in a process that will serve it to its end."""
    RuntimeSettings(**json.loads(os.environ.get(TUNING, "{}"))).apply()
    name = os.environ.get(WORKLOAD, "echo")
    prepared = contextlib.ExitStack()
    atexit.register(prepared.close)
    main = importlib.import_module("..__main__", __package__)
    work, respond, respond_async = prepared.enter_context(main.prepare_work(name))
    return Application(name, dict(work), respond, respond_async)
