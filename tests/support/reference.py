"""The reference servers, each in a separate process."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


@contextlib.contextmanager
def reference_server(*options: str) -> Iterator[int]:
    """Run a reference server with these options in another process, and yield its port."""
    command = [sys.executable, "-m", "servers", *options, "--lifeline"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())["port"]
