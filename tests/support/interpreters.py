"""The interpreters to test under."""

from __future__ import annotations

import functools
from dataclasses import asdict
from typing import Any

import msgspec

from bench.interpreters.discovery import discover, extremes
from bench.interpreters.interpreter import Interpreter
from bench.schema.build import Build

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
def found() -> list[Interpreter]:
    """Return every CPython on this machine, newest first."""
    builds = _options["found"]
    return (
        discover() if builds is None else [Interpreter(name, msgspec.convert(build, Build)) for name, build in builds]
    )


def as_builds() -> list[tuple[str, dict[str, Any]]]:
    """Return what :func:`set_up` takes in another process."""
    return [(interpreter.name, asdict(interpreter.build)) for interpreter in found()]


@functools.cache
def newest() -> dict[str, Interpreter]:
    """Return the newest build of each series, by the series' name, newest first."""
    return {interpreter.name: interpreter for interpreter in found() if interpreter.name == interpreter.series}


@functools.cache
def chosen() -> dict[str, Interpreter]:
    """Return the newest, the oldest and the free-threaded interpreter; with ``--every-python`` all of :func:`newest`.

    For what depends on an interpreter's inside. Of several free-threaded ones the newest is taken.
    """
    names = extremes(list(newest().values()))
    return {name: interpreter for name, interpreter in newest().items() if _options["every"] or name in names}


def with_gil() -> list[str]:
    """Return the names of those chosen that have a GIL, newest first."""
    return [name for name, interpreter in chosen().items() if not interpreter.build.freethreaded]


def without_gil() -> list[str]:
    """Return the names of those chosen that are free-threaded, newest first."""
    return [name for name, interpreter in chosen().items() if interpreter.build.freethreaded]
