"""The build of an interpreter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BUILT_ALIKE: Final = ("compiler", "flags", "pgo", "lto", "bolt", "debug", "libc")
"""Fields in which two builds must agree for a difference between them to be due to their versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What an interpreter reports about itself; ``None``: unknown.

    Attributes:
        executable: path of the interpreter.
        program: path of the program that was named and is launched, if that is not ``executable`` itself: a wrapper,
            a link, or the Python of an environment.
        version: such as ``3.13.1``.
        version_info: the same in parts.
        implementation: always ``CPython``.
        compiler: the compiler that it was built with.
        built: branch and date of the build.
        libc: C library.
        pgo: built with profile-guided optimisation.
        lto: built with link-time optimisation.
        bolt: built with BOLT.
        flags: the compiler flags that affect code generation.
        allocator: ``pymalloc``, ``mimalloc`` or ``malloc``.
        freethreaded: built without a GIL.
        gil_enabled: the GIL is on.
        jit: ``on``, ``off`` or ``unavailable``.
        debug: a debug build.
        variants: what was changed about it, such as ``+jit``; empty: nothing.
        missing: optional modules of the standard library that it was built without.
        hash: with ``+hashseed``, a hash that shows it.
    """

    executable: str
    version: str
    version_info: tuple[int, int, int, str, int]
    implementation: str
    freethreaded: bool
    gil_enabled: bool
    jit: str
    debug: bool
    compiler: str | None = None
    built: str | None = None
    libc: str | None = None
    pgo: bool | None = None
    lto: bool | None = None
    bolt: bool | None = None
    flags: str | None = None
    allocator: str | None = None
    variants: str = ""
    hash: int | None = None
    program: str = ""
    missing: tuple[str, ...] = ()

    def differences(self, other: Build) -> tuple[str, ...]:
        """Return the fields of :data:`BUILT_ALIKE` in which two builds differ."""
        return tuple(name for name in BUILT_ALIKE if getattr(self, name) != getattr(other, name))
