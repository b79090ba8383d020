"""Compilation of this package's functions; :mod:`loadgen.native.cache` keeps their machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from loadgen.native.cache import cache_folder
from loadgen.native.parts import PartCompiler, WholeCompiler

Function = TypeVar("Function", bound=Callable[..., Any])


_config: Any = numba.config
if not _config.CACHE_DIR:
    _config.CACHE_DIR = str(cache_folder())


# _nrt is Numba's reference counting of arrays. The engine's arrays outlive every call, and counting each use of them
# with locked instructions took a fifth of its CPU time. The compiler rejects code that would allocate an array.
_OPTIONS: Any = {"nogil": True, "_nrt": False, "error_model": "numpy"}


_PART: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": PartCompiler}


def compile_function(*signatures: Any, pointer: bool = False) -> Callable[[Function], Function]:
    """Compile a function for ``signatures``, to run without the GIL and to allocate nothing.

    Without signatures it is compiled when it is first called. With ``pointer`` it can be an argument of another
    compiled function.
    """
    options = _OPTIONS | {"no_cfunc_wrapper": not pointer, "pipeline_class": WholeCompiler}
    return cast("Callable[[Function], Function]", numba.njit(list(signatures) or None, cache=True, **options))


def inline(function: Function) -> Function:
    """Compile a function as a part of its callers."""
    return cast("Function", numba.njit(**_OPTIONS, **_PART)(function))
