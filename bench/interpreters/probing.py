"""Running :mod:`bench.interpreters.probe` under a program to find out which build it is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from bench.errors import InvalidInput
from bench.interpreters.interpreter import Interpreter, interpreter_environment
from bench.schema.build import Build

OLDEST: Final = (3, 9)

_PROBE = Path(__file__).with_name("probe.py")
_TIMEOUT_S = 60.0  # on a busy machine a start takes seconds


def probe(program: Path, environment: Mapping[str, str] | None = None) -> Build | None:
    """Return what a program reports of itself; ``None`` if it does not run as a Python."""
    isolated = "-I" if environment is None else "-s"  # -I would ignore the environment
    try:
        done = subprocess.run(
            [str(program), isolated, str(_PROBE)],
            env=interpreter_environment() | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_S,
        )
        build = msgspec.convert(json.loads(done.stdout), Build)
        return replace(build, executable=str(Path(build.executable).resolve()))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None  # a pyenv shim without a version, a broken install, another program of that name


def is_measurable(build: Build) -> bool:
    """Return whether servers run on a build."""
    return build.implementation == "CPython" and build.version_info[:2] >= OLDEST


def apply_settings(interpreter: Interpreter) -> Interpreter:
    """Return an interpreter with what it reports of itself once its settings are in effect.

    Raises:
        InvalidInput: it does not start with them.
    """
    if not interpreter.changed.variants:
        return interpreter
    build = probe(interpreter.program, interpreter.changed.environment)
    if build is None:
        raise InvalidInput(f"{interpreter.program} does not start with {interpreter.changed}: leave it out")
    changed = replace(build, program=interpreter.build.program, variants=str(interpreter.changed))
    return replace(interpreter, build=changed)
