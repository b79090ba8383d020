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
"""Environment for commands that get interpreters by path, so that they spend no time on discovery."""

_options: dict[str, Any] = {"every": False, "found": None}


def set_up(*, every: bool, builds: list[tuple[str, dict[str, Any]]] | None) -> None:
    """Set pytest's options; call this before tests are collected, since their parameters depend on it.

    Args:
        every: whether :func:`chosen` returns every series found.
        builds: name and build of each interpreter, found before; ``None`` to discover them.
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
    """Return the interpreters as ``builds`` for :func:`set_up` in another process."""
    return [(interpreter.name, asdict(interpreter.build)) for interpreter in found()]


@functools.cache
def newest() -> dict[str, Interpreter]:
    """Return the newest build of each series, by the series' name, newest first."""
    return {interpreter.name: interpreter for interpreter in found() if interpreter.name == interpreter.series}


@functools.cache
def chosen() -> dict[str, Interpreter]:
    """Return the newest, the oldest and the free-threaded interpreter; with ``--every-python`` all of :func:`newest`.

    For tests that depend on the interpreter's internals. Of several free-threaded ones, the newest is chosen.
    """
    names = extremes(list(newest().values()))
    return {name: interpreter for name, interpreter in newest().items() if _options["every"] or name in names}


def with_gil() -> list[str]:
    """Return the names of the chosen interpreters that have a GIL, newest first."""
    return [name for name, interpreter in chosen().items() if not interpreter.build.freethreaded]


def without_gil() -> list[str]:
    """Return the names of the chosen interpreters that are free-threaded, newest first."""
    return [name for name, interpreter in chosen().items() if interpreter.build.freethreaded]
