"""The generator's own ceiling on this machine: measured once against a server that does nothing, then cached."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any

from loadgen.execution import run
from loadgen.load import Load
from loadgen.native.cache import cache_key
from loadgen.validation.responder import responder

_DURATION_S = 0.3
_CONNECTIONS = 64


def ceiling_rps(threads: int) -> float:
    """Return the rate at which ``threads`` engine threads would be busy all of the time on this machine.

    Extrapolated from the rate and the utilisation of one thread against a compiled responder over loopback, since that
    responder competes for the CPUs. The first call measures for a third of a second; later calls read the user's cache
    folder. The cache key covers the machine, its kernel release and number of CPUs, and the package's sources.
    """
    path = _cache_folder() / f"ceiling-{_machine_key()}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept: Any = json.loads(path.read_text(encoding="utf-8"))
        return float(kept["one_thread_rps"]) * threads
    one_thread_rps = _measure()
    with contextlib.suppress(OSError):  # then it is measured again the next time
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"one_thread_rps": one_thread_rps}) + "\n", encoding="utf-8")
    return one_thread_rps * threads


def _measure() -> float:
    request = b"hello\n"
    with responder(request, b"Yes, yes\n") as port:
        load = Load(host="127.0.0.1", port=port, connections=_CONNECTIONS, duration_s=_DURATION_S, warmup_s=0.05)
        result = run(load)
    return result.throughput_rps / max(result.utilisation, 1e-3)


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gilbench"


def _machine_key() -> str:
    machine = (platform.node(), platform.machine(), platform.release(), str(os.cpu_count()), cache_key())
    return hashlib.sha256("/".join(machine).encode()).hexdigest()[:16]
