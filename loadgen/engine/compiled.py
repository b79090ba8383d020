"""How functions of this package are compiled, and when their cached machine code is still good.

Numba decides by the date of the file that a function is in; a change of a function it calls in another file goes
unnoticed. So the cache is kept under a name made from all of the package's sources.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


_HERE = Path(__file__).parent.parent  # the whole package's


def cache_key() -> str:
    """Return what changes with any of the package's sources."""
    digest = hashlib.sha256()
    for source in sorted(_HERE.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


# Where the checkout is read-only, or the user has a place of their own, Numba's choice stands.
_config: Any = numba.config
if not _config.CACHE_DIR and os.access(_HERE, os.W_OK):
    _config.CACHE_DIR = str(_HERE / "__pycache__" / f"numba-{cache_key()}")


# _nrt is Numba's counting of references to arrays. The engine's outlive every call, and to count each use of them by
# locked instructions took a fifth of its CPU time. Code that would allocate an array is refused by the compiler.
_OPTIONS: Any = {"nogil": True, "_nrt": False}


def compile_function(*signatures: Any) -> Callable[[Function], Function]:
    """Compile a function ahead of its first call for ``signatures``, to run without the GIL and to allocate nothing."""
    return cast("Callable[[Function], Function]", numba.njit(list(signatures), cache=True, **_OPTIONS))


def inline(function: Function) -> Function:
    """Compile a function as a part of those that call it."""
    return cast("Function", numba.njit(**_OPTIONS)(function))
