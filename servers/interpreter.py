"""A handler that describes the interpreter that runs it: ``--workload servers.interpreter:describe``.

So a model can be asked, from within a request and wherever it serves one, whether what was asked for took hold.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Dict, Optional

from servers.models import default_workers

_FROZEN_ABOVE = 1000  # objects; 3.12 has some hundreds there from its start


def describe(request: bytes) -> bytes:
    """Return JSON; the request names environment variables to include, separated by commas."""
    names = [name for name in request.decode().split(",") if name in os.environ]
    return json.dumps({**state(), "environment": {name: os.environ[name] for name in names}}).encode()


def state() -> Dict[str, object]:
    """Return what of an interpreter may be other than its plain self; ``None``: it does not tell."""
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
