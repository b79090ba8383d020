"""Where things are: the checkout, its results, and where the user stands, from where paths on a command line count."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = "GILBENCH_RESULTS"
"""The variable of the environment that names another folder for results than the checkout's, for every command."""


def results() -> Path:
    """Return the folder of the results, unless a command line names another."""
    named = os.environ.get(RESULTS)
    return Path(named) if named else relative_path(ROOT / "results")


def latest() -> Path:
    """Return the folder of the latest run in it."""
    return results() / "latest"


def relative_path(path: Path) -> Path:
    """Return a path as it is shortest to read from where the user stands: relative if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def nox(session: str, words: Sequence[str] = ()) -> str:
    """Return the command that runs a session from where the user stands."""
    noxfile = [] if Path.cwd() == ROOT else ["-f", str(ROOT / "noxfile.py")]
    return shlex.join(["nox", *noxfile, "-s", session, *(["--", *words] if words else [])])
