"""Paths: the code, the results, and the folder of the user, from which paths on a command line count."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = "GILBENCH_RESULTS"
"""The variable of the environment that names another folder for results than the checkout's, for every command."""


def is_checkout() -> bool:
    """Tell whether this is a checkout, and not an installed package."""
    return (ROOT / "noxfile.py").is_file()


def results() -> Path:
    """Return the folder of the results, unless a command line names another.

    It is what :data:`RESULTS` names, else ``results`` in the checkout, or in the user's folder if there is no checkout.
    """
    named = os.environ.get(RESULTS)
    if named:
        return Path(named)
    return relative_path(ROOT / "results") if is_checkout() else Path("results")


def cache() -> Path:
    """Return a folder for what can be made again, such as environments of interpreters."""
    if is_checkout():
        return ROOT / ".nox"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gilbench"


def latest() -> Path:
    """Return the folder of the latest run in it."""
    return results() / "latest"


def relative_path(path: Path) -> Path:
    """Return a path as it is shortest to read from where the user stands: relative if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def command_line(command: str, words: Sequence[str] = ()) -> str:
    """Return the command line that runs a command from the user's folder, as it is typed there."""
    if not is_checkout():
        return shlex.join(["gilbench", command, *words])
    noxfile = [] if Path.cwd() == ROOT else ["-f", str(ROOT / "noxfile.py")]
    return shlex.join(["nox", *noxfile, "-s", command, *(["--", *words] if words else [])])
