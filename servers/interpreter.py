"""A handler that describes the interpreter that runs it: ``--workload servers.interpreter:describe``.

It shows, from within a request and wherever a model serves it, whether the requested settings took effect.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Dict, Optional

from .models import default_workers

_FROZEN_ABOVE = 1000  # objects; 3.12 starts with some hundreds


def describe(request: bytes) -> bytes:
    """Return JSON; the request names environment variables to include, separated by commas."""
    names = [name for name in request.decode().split(",") if name in os.environ]
    return json.dumps({**state(), "environment": {name: os.environ[name] for name in names}}).encode()


def state() -> Dict[str, object]:
    """Return the properties of the interpreter that settings can change; ``None``: not available."""
    return {
        "gil_enabled": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "jit_enabled": _jit_enabled(),
        "switch_interval_s": round(sys.getswitchinterval(), 9),
        "gc_enabled": gc.isenabled(),
        "gc_frozen": gc.get_freeze_count() > _FROZEN_ABOVE,
        "hash": hash("gilbench"),
        "ignores_environment": bool(sys.flags.ignore_environment),
        "cpus": default_workers(),
    }


def _jit_enabled() -> Optional[bool]:
    jit = getattr(sys, "_jit", None)
    return None if jit is None else bool(jit.is_enabled())
