"""An environment for each target, made from outside: the target needs neither pip nor venv."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.errors import GilbenchError
from bench.interpreters.targets import Target, target_environment
from bench.paths import ROOT

PACKAGES: Final = ("pytest", "pytest-benchmark")
KEPT: Final = ROOT / ".nox" / "micro-targets"
_TIMEOUT_S = 300.0


def environment(target: Target) -> Path:
    """Return the Python of an environment of a target that has :data:`PACKAGES`, made if it is not there.

    Raises:
        GilbenchError: it cannot be made; the message says what could not be had.
    """
    key = hashlib.sha256(f"{target.executable}{target.build['version']}{target.build['built']}".encode()).hexdigest()
    folder = KEPT / f"{target.series}-{key[:12]}"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv")
    if uv:
        _run(target, [uv, "venv", "--quiet", "--no-project", "--python", str(target.executable), str(folder)])
        _run(target, [uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES])
    else:
        make = [sys.executable, "-m", "virtualenv", "--quiet", "--no-setuptools", "--python", str(target.executable)]
        _run(target, [*make, str(folder)])
        _run(target, [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES])
    (folder / "complete").touch()
    return python


def _run(target: Target, command: list[str]) -> None:
    kept = {name: text for name, text in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    try:
        done = subprocess.run(
            command, env=target_environment() | kept, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
        exc = (done.stderr.strip() or done.stdout.strip()).splitlines() if done.returncode else []
        failed = done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        exc, failed = [str(error)], True
    if failed:
        last = exc[-1] if exc else "it did not say why"
        raise GilbenchError(
            f"no environment with {' and '.join(PACKAGES)} for {target.name}: {last}; if no package index can be "
            "reached, put their wheels into a folder and name it in PIP_FIND_LINKS and PIP_NO_INDEX=1 "
            "(UV_FIND_LINKS, UV_OFFLINE=1 with uv)"
        )
