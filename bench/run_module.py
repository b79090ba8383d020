"""Running modules of ours in a process of their own, such as those that draw what was measured."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from bench.paths import ROOT

OURS: Final = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
"""Variables with which Python finds our modules from any folder, and none of that folder's in their place."""


def run_module(module: str, *words: str) -> int:
    """Run a module of ours with these words in the user's folder, and return its exit code."""
    return subprocess.run([sys.executable, "-m", module, *words], env=os.environ | OURS, check=False).returncode


def run_python(*words: str) -> int:
    """Run this Python with these words where our modules can be imported, and return its exit code."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run([sys.executable, *words], env=os.environ | {"PYTHONPATH": path}, check=False).returncode
