"""The command of this checkout in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.paths import ROOT
from tests.support.interpreters import FEW_PYTHONS

MAIN = str(ROOT / "bench" / "__main__.py")


def gilbench(*words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with these arguments and additional variables, without those that the tests run with."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-P", MAIN, *words],
        cwd=cwd,
        env=kept | FEW_PYTHONS | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
