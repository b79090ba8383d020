"""The environment of the harness, of its own making: what a shell sets for other programs does not reach it.

Servers under test still see it, as far as they are to (:mod:`bench.interpreters.interpreter`).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Final

ignored: Final[dict[str, str]] = {}
"""Variables that were taken from this process's environment, with their values."""

_OF_LIBRARIES: Final = ("PYTEST_", "NUMBA_", "MPLBACKEND", "MATPLOTLIBRC")
_KEPT: Final = frozenset({"NUMBA_CACHE_DIR"})
_HARMLESS: Final = frozenset(
    {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONNOUSERSITE"}
)


def isolate(main: Path) -> None:
    """Take what steers our libraries from the environment, and start anew where Python itself has obeyed it.

    Args:
        main: the file to start anew with the same words.
    """
    for name in [name for name in os.environ if name.startswith(_OF_LIBRARIES) and name not in _KEPT]:
        ignored[name] = os.environ.pop(name)
    obeyed = [name for name in os.environ if name.startswith("PYTHON") and name not in _HARMLESS]
    if obeyed and not sys.flags.ignore_environment and not _needs_import_path():
        os.environ.update(ignored)  # for the servers; it is taken from there once more
        os.execv(  # noqa: S606 - the same program
            sys.executable, [sys.executable, "-E", "-P", str(main), *sys.argv[1:]]
        )
    ignored.update((name, os.environ[name]) for name in obeyed)


def users_environment() -> dict[str, str]:
    """Return the environment as it was in the user's shell."""
    return os.environ | ignored


def _needs_import_path() -> bool:
    """Tell whether the libraries themselves were found by PYTHONPATH."""
    found = importlib.util.find_spec("msgspec")
    where = Path(found.origin) if found and found.origin else Path()
    return any(part and where.is_relative_to(part) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep))
