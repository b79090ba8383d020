"""Running modules of ours in a process of their own, such as those that draw what was measured."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.paths import ROOT


def run_module(module: str, *words: str) -> int:
    """Run a module of ours with these words in the user's folder, and return its exit code."""
    # From any folder it finds our modules, and none of that folder's in their place.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    return subprocess.run([sys.executable, "-m", module, *words], env=environment, check=False).returncode


def run_python(*words: str) -> int:
    """Run this Python with these words where our modules can be imported, and return its exit code."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run([sys.executable, *words], env=os.environ | {"PYTHONPATH": path}, check=False).returncode
