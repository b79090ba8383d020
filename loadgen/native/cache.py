"""The cache of machine code; light to import.

Numba checks the date of the file that defines a function; it does not notice a change in a function called from another
file. So the name of the cache folder is derived from all of the package's sources.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

FIRST_START: Final = "compiling the load generator: once, takes about 7 s"

_HERE: Final = Path(__file__).parent.parent  # the whole package


@functools.cache
def cache_key() -> str:
    """Return a key that changes with any of the package's sources."""
    digest = hashlib.sha256()
    for source in sorted(_HERE.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def cache_folder() -> Path:
    """Return the folder for machine code of these sources."""
    return _root() / f"numba-{cache_key()}"


def _root() -> Path:
    """Return a folder that can be written to: next to the sources, else the user's, else a private temporary one."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    for folder in (_HERE / "__pycache__", home / "gilbench"):
        existing = next(one for one in (folder, *folder.parents) if one.exists())
        if os.access(existing, os.W_OK):
            return folder
    private = Path(tempfile.gettempdir(), f"gilbench-{os.getuid()}")
    private.mkdir(mode=0o700, exist_ok=True)
    mine = not private.is_symlink() and private.stat().st_uid == os.getuid()
    return private if mine else Path(tempfile.mkdtemp(prefix="gilbench-"))  # somebody else has that name


def note_first_start() -> None:
    """Say on standard error that the engine is compiled now, if it is."""
    if not is_compiled():
        sys.stderr.write(f"{FIRST_START}\n")


def is_compiled() -> bool:
    """Return whether the engine's machine code is there."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache_folder())
    return any(folder.rglob("loop.drive-*.nbc"))
