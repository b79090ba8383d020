"""The interpreters to test under."""

from __future__ import annotations

import functools
from typing import Any

from bench.interpreters.targets import Target, discover, extremes

FEW_PYTHONS = {"PATH": "/usr/bin:/bin", "PYENV_ROOT": "/nowhere"}
"""Environment of a command that is given interpreters by their paths, and need not spend seconds on finding others."""

_options: dict[str, Any] = {"every": False, "found": None}


def set_up(*, every: bool, builds: list[tuple[str, dict[str, Any]]] | None) -> None:
    """Take what pytest's options say; to be called before a test is collected, since parameters come from here.

    Args:
        every: :func:`chosen` returns every series that is found.
        builds: name and build of each interpreter, found before; ``None``: they are looked for.
    """
    _options.update(every=every, found=builds)


@functools.cache
def found() -> list[Target]:
    """Return every CPython on this machine, newest first."""
    builds = _options["found"]
    return discover() if builds is None else [Target(name, build) for name, build in builds]


def as_builds() -> list[tuple[str, dict[str, Any]]]:
    """Return what :func:`set_up` takes in another process."""
    return [(target.name, target.build) for target in found()]


@functools.cache
def newest() -> dict[str, Target]:
    """Return the newest build of each series, by the series' name, newest first."""
    return {target.name: target for target in found() if target.name == target.series}


@functools.cache
def chosen() -> dict[str, Target]:
    """Return the newest, the oldest and the free-threaded interpreter; with ``--every-python`` all of :func:`newest`.

    For what depends on an interpreter's inside. Of several free-threaded ones the newest is taken.
    """
    names = extremes(list(newest().values()))
    return {name: target for name, target in newest().items() if _options["every"] or name in names}


def with_gil() -> list[str]:
    """Return the names of those chosen that have a GIL, newest first."""
    return [name for name, target in chosen().items() if not target.build["freethreaded"]]


def without_gil() -> list[str]:
    """Return the names of those chosen that are free-threaded, newest first."""
    return [name for name, target in chosen().items() if target.build["freethreaded"]]
