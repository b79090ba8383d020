"""Finding the interpreters of this machine.

findpython knows where pyenv, uv, rye, asdf, macOS and Windows keep theirs, and searches PATH. It finds one program for
each of uv's installs and no debug builds; those on PATH are added by their names.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from findpython.providers import ALL_PROVIDERS

from bench.interpreters.interpreter import Interpreter
from bench.interpreters.probing import is_measurable, probe

_PROGRAM = re.compile(r"python3\.\d+t?d?")


def discover(candidates: Callable[[], Iterable[Path]] | None = None) -> list[Interpreter]:
    """Return the CPythons found, newest first, each once even if it has several names.

    The newest of each series is named after the series (``3.13``), the others after their full version (``3.13.0``).
    """
    programs = dict.fromkeys(path.resolve() for path in (candidates or _candidates)())
    with ThreadPoolExecutor(8) as pool:
        builds = {build.executable: build for build in pool.map(probe, programs) if build and is_measurable(build)}
    found = [Interpreter("", build) for build in builds.values()]
    # The release levels "alpha", "beta", "candidate" and "final" sort by name.
    found.sort(key=lambda one: (one.build.version_info, not one.build.freethreaded, not one.build.debug), reverse=True)
    return list(_assign_names(found))


def extremes(found: Sequence[Interpreter]) -> dict[str, Interpreter]:
    """Return the newest, the oldest and the newest free-threaded interpreter, by name.

    Args:
        found: every interpreter, newest first.
    """
    with_gil = [interpreter for interpreter in found if not interpreter.build.freethreaded]
    free = [interpreter for interpreter in found if interpreter.build.freethreaded]
    return {interpreter.name: interpreter for interpreter in (*with_gil[:1], *with_gil[-1:], *free[:1])}


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    for kind in ALL_PROVIDERS.values():
        provider = kind.create()
        if provider is not None:
            yield from (python.executable for python in provider.find_pythons())
    for folder in os.get_exec_path():
        with contextlib.suppress(OSError):  # PATH may name folders that do not exist
            yield from (path for path in Path(folder).iterdir() if _PROGRAM.fullmatch(path.name))


def _assign_names(found: Iterable[Interpreter]) -> Iterator[Interpreter]:
    taken: set[str] = set()
    for one in found:
        short = (one.series, one.version) if not one.build.debug else (f"{one.version}d",)
        names = (*short, *(f"{short[-1]}#{number}" for number in range(2, 100)))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield Interpreter(name, one.build)
