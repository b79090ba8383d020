"""The interpreters that a list on the command line stands for."""

from __future__ import annotations

import functools
import itertools
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.errors import InvalidInput
from bench.interpreters import variants
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.probing import OLDEST, apply_settings, is_measurable, probe
from bench.interpreters.variants import CPUS, InterpreterSettings, Variant
from bench.schema.build import Build
from loadgen.nearest import did_you_mean

AUTO: Final = "auto"

_SHORT = re.compile(r"3(\.\d+){0,2}((a|b|rc)\d+)?t?")
_NAME = re.compile(r"[\w.+=:-]{1,60}")
_RELEASE = "final"
_MEASURED: Final = f"gilbench measures CPython {'.'.join(map(str, OLDEST))} and newer"


def resolve(wanted: str, find: Callable[[], Sequence[Interpreter]]) -> list[Interpreter]:
    """Return the interpreters that a comma-separated list stands for.

    Args:
        wanted: each is ``auto``; a version, the newest build that fits (``3.13``, ``3.13.0``, ``3.13t``); or a path.
            ``name=`` before it gives it a name, ``+jit`` and the like behind it change something about it.
        find: returns what there is, newest first; not called where every name comes with a path, since it takes
            seconds.

    Raises:
        InvalidInput: one does not exist or cannot be measured; the message says what can.
    """
    find = functools.cache(find)
    if wanted.strip() == AUTO:
        return auto(find())
    interpreters: dict[str, Interpreter] = {}
    for spec in filter(None, (part.strip() for part in wanted.split(","))):
        named, changed = variants.split(spec)
        given, _, what = named.rpartition("=")
        if given and not _NAME.fullmatch(given):
            raise InvalidInput(f"invalid name {given!r} for an interpreter: use letters, digits and . _ + - = :")
        if _SHORT.fullmatch(what):
            interpreter = _find_version(what, find())
        else:
            build = _probe_program(what, find)
            interpreter = Interpreter(given or _find_name(build, find()), build)
        changed.check(interpreter.name, interpreter.build)
        interpreter = apply_settings(Interpreter(given or f"{interpreter.name}{changed}", interpreter.build, changed))
        if interpreter.name in interpreters:
            raise InvalidInput(
                f"{interpreter.name} names two interpreters: give one another name, as mine={what}{changed}"
            )
        interpreters[interpreter.name] = interpreter
    if not interpreters:
        raise InvalidInput("--pythons names no interpreter: name some, as 3.13,3.13t, or say auto")
    return list(interpreters.values())


def auto(found: Sequence[Interpreter]) -> list[Interpreter]:
    """Return the newest release with a free-threaded twin of the same version, and that twin.

    If there is no such pair: the newest release, and the harness's own interpreter.

    Raises:
        InvalidInput: no release was found.
    """
    releases = [one for one in found if one.build.version_info[3] == _RELEASE and not one.build.debug]
    for one in releases:
        twin = next((other for other in releases if other.version == f"{one.version}t"), None)
        if twin is not None:
            return [one, twin]
    if not releases:
        raise InvalidInput(f"no release of CPython found: {_how_to_get('3.13')}")
    own = probe(Path(sys.executable).resolve())
    newest = next((one for one in releases if not one.build.freethreaded), releases[0])
    return [newest, *(one for one in releases if own and one.build == own and one is not newest)]


def pin_interpreters(interpreters: Iterable[Interpreter], counts: Sequence[int]) -> list[Interpreter]:
    """Return each interpreter once for each number of CPUs that its servers are to be pinned to.

    Raises:
        InvalidInput: this process may not use that many, or an interpreter has a number of its own.
    """
    found = []
    for interpreter, count in itertools.product(interpreters, counts):
        if interpreter.changed.cpus is not None:
            raise InvalidInput(f"--cpus: {interpreter.name} says for itself how many: leave one of the two out")
        one = Variant(CPUS, str(count))
        changed = InterpreterSettings((*interpreter.changed.variants, one))
        changed.check(interpreter.name, interpreter.build)
        found.append(apply_settings(Interpreter(f"{interpreter.name}{one}", interpreter.build, changed)))
    return found


def require_same_build(interpreters: Iterable[Interpreter]) -> None:
    """Refuse to compare interpreters that were not built alike.

    Raises:
        InvalidInput: two interpreters differ in how they were built; the message says in what.
    """
    one, *others = interpreters
    for other in others:
        differs = one.build.differences(other.build)
        if differs:
            each = "; ".join(f"{name}: {getattr(one.build, name)} and {getattr(other.build, name)}" for name in differs)
            raise InvalidInput(
                f"{one.name} and {other.name} were not built alike ({each}): build both from source with the same "
                "compiler and flags, or leave --require-same-build out"
            )


def _find_version(version: str, found: Sequence[Interpreter]) -> Interpreter:
    for one in found:  # newest first
        series_of_all = version in {"3", "3t"} and one.series.endswith("t") == version.endswith("t")
        if not one.build.debug and (version in {one.series, one.version} or series_of_all):
            return Interpreter(version, one.build)
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST[: version.count(".") + 1]:
        raise InvalidInput(f"CPython {version} is too old: {_MEASURED}")
    have = ", ".join(dict.fromkeys(one.name for one in found)) or "none"
    raise InvalidInput(f"no CPython {version} found (found: {have}): {_how_to_get(version)}")


def _probe_program(path: str, find: Callable[[], Sequence[Interpreter]]) -> Build:
    program = shutil.which(Path(path).expanduser())
    if program is None:
        found = [one.name for one in find()]
        meant = did_you_mean(path, [AUTO, *found])
        raise InvalidInput(
            f"{path!r} is not a version, a program or a path of one{meant} (found: {', '.join(found) or 'none'}): "
            f"{_how_to_get('3.14t')}"
        )
    build = probe(Path(program).resolve())
    if build is None or not is_measurable(build):
        what = f"{build.implementation} {build.version}" if build else "not a Python that runs"
        raise InvalidInput(f"{path} is {what}: {_MEASURED}")
    if (Path(program).parent.parent / "pyvenv.cfg").is_file():
        # Not resolved, so that handlers find the environment's packages.
        build = replace(build, executable=str(Path(program).absolute()))
    return build


def _find_name(build: Build, found: Sequence[Interpreter]) -> str:
    same = next((one for one in found if one.build == build), None)
    return (same or Interpreter("", build)).name or Interpreter("", build).version


def _how_to_get(version: str) -> str:
    return f"install it, as by uv python install {version}, or give the path of its program"
