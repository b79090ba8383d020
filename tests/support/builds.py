"""Builds that need not exist on this machine."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, Final

from bench.schema.build import Build

PLAIN: Final = Build(
    executable=sys.executable,
    version="3.14.0",
    version_info=(3, 14, 0, "final", 0),
    implementation="CPython",
    freethreaded=False,
    gil_enabled=True,
    jit="off",
    debug=False,
)


def made_build(**changes: Any) -> Build:
    return replace(PLAIN, **changes)
