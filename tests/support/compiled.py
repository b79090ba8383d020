"""Functions that are compiled only as parts of others, made callable from Python."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba

from loadgen.native.parts import WholeCompiler


@functools.cache
def callable_part(part: Any) -> Callable[..., Any]:
    """Return a compiled function that does what ``part`` does."""
    options: Any = {"nogil": True, "_nrt": False, "error_model": "numpy", "pipeline_class": WholeCompiler}
    compiled: Callable[..., Any] = numba.njit(**options)(part.py_func)
    return compiled
