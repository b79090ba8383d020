"""The package for the applications, which servers import from its folder by plain names."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

_LAUNCHER = Path(__file__).parent.parent / "launch.py"


def _package() -> Any:
    spec = importlib.util.spec_from_file_location("gilbench_launch", _LAUNCHER)
    if spec is None or spec.loader is None:
        raise ImportError("%s is missing" % _LAUNCHER)
    launch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(launch)
    launch.load()
    return importlib.import_module(launch.NAME + ".applications")


applications = _package()
