"""What runs in a process of its own: analysing, of which measuring knows nothing."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.paths import ROOT


def run_module(module: str, *words: str) -> int:
    """Run a module of ours with these words where the user stands, and return its exit status."""
    # From any folder it finds our modules, and none of that folder's in their place.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    return subprocess.run([sys.executable, "-m", module, *words], env=environment, check=False).returncode
