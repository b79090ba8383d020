"""The interpreters to test under."""

from __future__ import annotations

import functools
import json

from bench.interpreters.targets import Target, discover

FEW_PYTHONS = {"PATH": "/usr/bin:/bin", "PYENV_ROOT": "/nowhere"}
"""Environment of a command that is given interpreters by their paths, and need not spend seconds on finding others."""

_every = False
_passed_on: list[Target] = []


def take_every_python() -> None:
    """Let :func:`chosen` return every series that is found; to be called before a test is collected."""
    global _every  # noqa: PLW0603 - pytest's option, which modules need while they are imported
    _every = True


def pass_on() -> str:
    """Return those found as text for :func:`take`: looking for them again costs time, and may find others."""
    return json.dumps([(target.name, target.build) for target in found()])


def take(text: str) -> None:
    """Let :func:`found` return what :func:`pass_on` in another process has found."""
    _passed_on[:] = [Target(name, build) for name, build in json.loads(text)]


@functools.cache
def found() -> list[Target]:
    """Return every CPython on this machine, newest first."""
    return _passed_on or discover()


@functools.cache
def newest() -> dict[str, Target]:
    """Return the newest build of each series, by the series' name, newest first."""
    return {target.name: target for target in found() if target.name == target.series}


@functools.cache
def chosen() -> dict[str, Target]:
    """Return the newest, the oldest and the free-threaded interpreter; with ``--every-python`` all of :func:`newest`.

    For what depends on an interpreter's inside. Of several free-threaded ones the newest is taken.
    """
    with_gil = [name for name, target in newest().items() if not target.build["freethreaded"]]
    free = [name for name in newest() if name not in with_gil]
    names = {*with_gil[:1], *with_gil[-1:], *free[:1]}
    return {name: target for name, target in newest().items() if _every or name in names}


def with_gil() -> list[str]:
    """Return the names of those chosen that have a GIL, newest first."""
    return [name for name, target in chosen().items() if not target.build["freethreaded"]]


def without_gil() -> list[str]:
    """Return the names of those chosen that are free-threaded, newest first."""
    return [name for name, target in chosen().items() if target.build["freethreaded"]]
