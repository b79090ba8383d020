"""Compilation of this package's functions, and the cache of their machine code.

Numba checks the date of the file that defines a function; it does not notice a change in a function called from another
file. So the name of the cache folder is derived from all of the package's sources.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


_HERE = Path(__file__).parent.parent  # the whole package


def cache_key() -> str:
    """Return a key that changes with any of the package's sources."""
    digest = hashlib.sha256()
    for source in sorted(_HERE.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> Path:
    """Return a folder for machine code: next to the sources, else the user's, else a private temporary one."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    for folder in (_HERE / "__pycache__", home / "gilbench"):
        existing = next(one for one in (folder, *folder.parents) if one.exists())
        if os.access(existing, os.W_OK):
            return folder
    private = Path(tempfile.gettempdir(), f"gilbench-{os.getuid()}")
    private.mkdir(mode=0o700, exist_ok=True)
    mine = not private.is_symlink() and private.stat().st_uid == os.getuid()
    return private if mine else Path(tempfile.mkdtemp(prefix="gilbench-"))  # somebody else has that name


_config: Any = numba.config
if not _config.CACHE_DIR:
    _config.CACHE_DIR = str(_cache_folder() / f"numba-{cache_key()}")


# _nrt is Numba's reference counting of arrays. The engine's arrays outlive every call, and counting each use of them
# with locked instructions took a fifth of its CPU time. The compiler rejects code that would allocate an array.
_OPTIONS: Any = {"nogil": True, "_nrt": False}


def compile_function(*signatures: Any) -> Callable[[Function], Function]:
    """Compile a function ahead of its first call for ``signatures``, to run without the GIL and to allocate nothing."""
    return cast("Callable[[Function], Function]", numba.njit(list(signatures), cache=True, **_OPTIONS))


def inline(function: Function) -> Function:
    """Compile a function as a part of its callers."""
    return cast("Function", numba.njit(**_OPTIONS)(function))
