"""Paths of the code, the results and the caches, and command lines as typed in the user's folder."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = "GILBENCH_RESULTS"
"""Environment variable that overrides the default folder of results, for every command."""


def is_checkout() -> bool:
    """Return whether this is a checkout rather than an installed package."""
    return (ROOT / "noxfile.py").is_file()


def results() -> Path:
    """Return the default folder of results, for commands that are not given another.

    It is the one that :data:`RESULTS` names, or else ``results`` in the checkout, or in the user's folder if installed.
    """
    named = os.environ.get(RESULTS)
    if named:
        return Path(named)
    return relative_path(ROOT / "results") if is_checkout() else Path("results")


def cache() -> Path:
    """Return the folder for files that can be recreated, such as interpreters' environments."""
    if is_checkout():
        return ROOT / ".nox"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gilbench"


def latest() -> Path:
    """Return the folder of the latest run in :func:`results`."""
    return results() / "latest"


def relative_path(path: Path) -> Path:
    """Return a path relative to the current folder if it lies below it, otherwise unchanged."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def command_line(command: str, words: Sequence[str] = ()) -> str:
    """Return the command line that runs a command, as typed in the user's folder."""
    if not is_checkout():
        return shlex.join(["gilbench", command, *words])
    noxfile = [] if Path.cwd() == ROOT else ["-f", str(ROOT / "noxfile.py")]
    return shlex.join(["nox", *noxfile, "-s", command, *(["--", *words] if words else [])])
