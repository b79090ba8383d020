"""Selection of interpreters by a list on the command line."""

from __future__ import annotations

import functools
import itertools
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
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

_VERSION = re.compile(r"\d+(\.\d+){0,2}((a|b|rc)\d+)?t?")
_COMMON_FOLDERS: Final = frozenset({"", "bin", "usr", "local", "venv"})
_NAME = re.compile(r"[\w.+=:-]{1,60}")
_RELEASE = "final"
_MEASURED: Final = f"gilbench measures CPython {'.'.join(map(str, OLDEST))} and newer"


def resolve(wanted: str, find: Callable[[], Sequence[Interpreter]]) -> list[Interpreter]:
    """Return the interpreters that a comma-separated list selects.

    Args:
        wanted: each item is ``auto``; a version, for the newest matching build (``3.13``, ``3.13.0``, ``3.13t``); or a
            path. The prefix ``name=`` names it, suffixes such as ``+jit`` change its settings.
        find: returns all interpreters, newest first; not called if every item has a name and a path, since it takes
            seconds.

    Raises:
        InvalidInput: an interpreter does not exist or cannot be measured; the message gives the remedy.
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
        if _VERSION.fullmatch(what):
            interpreter = _find_version(what, find())
            names: Iterable[str] = [interpreter.name]
        else:
            build = _probe_program(what, wanted, find)
            interpreter = Interpreter("", build)
            names = _possible_names(interpreter, find())
        changed.check(given or what, interpreter.build)
        named_so = [given] if given else [f"{name}{changed}" for name in names]
        free = [name for name in named_so if name not in interpreters]
        interpreter = apply_settings(Interpreter((free or named_so)[0], interpreter.build, changed))
        twin = next((one for one in interpreters.values() if _is_same(one, interpreter)), None)
        if not free or (twin is not None and twin.name in named_so):
            name = interpreter.name if twin is None else twin.name
            raise InvalidInput(f"two interpreters are named {name}: rename one, for example mine={what}{changed}")
        interpreters[interpreter.name] = interpreter
    if not interpreters:
        raise InvalidInput("--pythons is empty: name interpreters, for example 3.13,3.13t, or use auto")
    return list(interpreters.values())


def auto(found: Sequence[Interpreter]) -> list[Interpreter]:
    """Return the newest release with a free-threaded twin of the same version, and that twin.

    If there is no such pair, return the newest release and the harness's own interpreter.

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
    """Return each interpreter once for each number of CPUs to pin its servers to.

    Raises:
        InvalidInput: this process may not use that many, or an interpreter sets its own number.
    """
    found = []
    for interpreter, count in itertools.product(interpreters, counts):
        if interpreter.changed.cpus is not None:
            raise InvalidInput(f"--cpus conflicts with {interpreter.name}, which sets its own number: leave one out")
        one = Variant(CPUS, str(count))
        changed = InterpreterSettings((*interpreter.changed.variants, one))
        changed.check(interpreter.name, interpreter.build)
        found.append(apply_settings(Interpreter(f"{interpreter.name}{one}", interpreter.build, changed)))
    return found


def require_same_build(interpreters: Iterable[Interpreter]) -> None:
    """Refuse to compare interpreters that were built differently.

    Raises:
        InvalidInput: two interpreters were built differently; the message lists the differences.
    """
    one, *others = interpreters
    for other in others:
        differs = one.build.differences(other.build)
        if differs:
            each = "; ".join(f"{name}: {getattr(one.build, name)} and {getattr(other.build, name)}" for name in differs)
            raise InvalidInput(
                f"{one.name} and {other.name} were built differently ({each}): build both from source with the same "
                "compiler and flags, or leave out --require-same-build"
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


def _probe_program(path: str, wanted: str, find: Callable[[], Sequence[Interpreter]]) -> Build:
    """Return the build of a program, which is launched as it is named: a wrapper stays one."""
    expanded = os.path.expanduser(path)  # noqa: PTH111 - a Path would lose the ./ that keeps it from being searched for
    if os.path.isdir(expanded):  # noqa: PTH112
        raise InvalidInput(f"{path} is a folder: name the program in it, as {os.path.join(path, 'bin', 'python3')}")  # noqa: PTH118
    found = shutil.which(expanded)
    if found is None:
        raise InvalidInput(_no_such_program(path, wanted, [one.name for one in find()]))
    program = Path(os.path.abspath(found))  # noqa: PTH100 - links are kept: an environment is found by its own
    build = probe(program)
    if build is None or not is_measurable(build):
        what = f"{build.implementation} {build.version}" if build else "not a working Python"
        raise InvalidInput(f"{path} is {what}: {_MEASURED}")
    return build if str(program) == build.executable else replace(build, program=str(program))


def _no_such_program(path: str, wanted: str, known: Sequence[str]) -> str:
    parts = wanted.split(",")
    for first, last in itertools.combinations(range(len(parts) + 1), 2):
        whole = ",".join(parts[first:last]).strip()
        if last - first > 1 and Path(whole.rpartition("=")[2]).expanduser().is_file():
            return f"{whole} has a comma in it, which separates interpreters: make a link to it without one"
    have = ", ".join(known) or "none"
    meant = did_you_mean(path, [AUTO, *known])
    return f"{path!r} is neither a version nor a program{meant} (found: {have}): {_how_to_get('3.14t')}"


def _possible_names(interpreter: Interpreter, found: Sequence[Interpreter]) -> Iterator[str]:
    """Yield names for a program, the best first: a wrapper is called as its file, others by their version."""
    bare = replace(interpreter.build, program="")
    same = next((one.name for one in found if one.build == bare), interpreter.version)
    program = interpreter.program
    folder = next((part for part in reversed(program.parent.parts) if part.strip("/.") not in _COMMON_FOLDERS), "")
    names = [program.name, f"{folder.lstrip('.')}-{program.name}", *(f"{same}#{number}" for number in range(2, 100))]
    for name in names if interpreter.is_wrapped else [same, *names]:
        yield re.sub(r"[^\w.#-]", "-", name)


def _is_same(one: Interpreter, other: Interpreter) -> bool:
    return one.program == other.program and one.changed == other.changed


def _how_to_get(version: str) -> str:
    return f"install it with uv python install {version}, or give its path"
