"""Running this project's modules in a separate process, for example to draw a run."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.paths import ROOT


def run_module(module: str, *words: str) -> int:
    """Run a module of ours with these words in the user's folder, and return its exit code."""
    ours = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    rest = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([sys.executable, "-m", module, *words], env=rest | ours, check=False).returncode


def run_python(*words: str) -> int:
    """Run this Python with these arguments and our modules importable, and return its exit code."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run([sys.executable, *words], env=os.environ | {"PYTHONPATH": path}, check=False).returncode
