"""The interpreters to measure: finding them, and what a name on the command line stands for.

findpython knows where pyenv, uv, rye, asdf, macOS and Windows keep theirs, and looks along PATH. It takes one program
for each of uv's installs and knows no debug builds; those on PATH are added by their names.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from findpython.providers import ALL_PROVIDERS

from bench.errors import GilbenchError
from bench.interpreters import variants
from bench.interpreters.variants import CPUS, PLAIN, InterpreterSettings, Variant
from bench.schema.record import BUILT_ALIKE
from loadgen.nearest import did_you_mean

OLDEST: Final = (3, 9)
AUTO: Final = "auto"

_PROBE = Path(__file__).with_name("probe.py")
_PROBE_TIMEOUT_S = 60.0  # on a busy machine a launch takes seconds
_PROGRAM = re.compile(r"python3\.\d+t?d?")
_SHORT = re.compile(r"3(\.\d+){0,2}((a|b|rc)\d+)?t?")
_NAME = re.compile(r"[\w.+=:-]{1,60}")
_RELEASES = "final"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter to measure.

    Attributes:
        name: by which the run knows it.
        build: what it says of itself, see :mod:`bench.interpreters.probe`.
        changed: what is changed about it.
    """

    name: str
    build: dict[str, Any]
    changed: InterpreterSettings = PLAIN

    @property
    def executable(self) -> Path:
        return Path(self.build["executable"])

    @property
    def version(self) -> str:
        """Return the whole version, with a ``t`` if it is free-threaded: ``3.13.0t``."""
        return f"{self.build['version']}{'t' if self.build['freethreaded'] else ''}"

    @property
    def series(self) -> str:
        """Return the version without its last number: ``3.13t``."""
        major, minor = self.release
        return f"{major}.{minor}{'t' if self.build['freethreaded'] else ''}"

    @property
    def release(self) -> tuple[int, int]:
        """Return its version's first two numbers."""
        major, minor = self.build["version_info"][:2]
        return int(major), int(minor)

    @property
    def age(self) -> tuple[Any, ...]:
        """Return a key that sorts the oldest first; "alpha", "beta", "candidate" and "final" sort by name."""
        return tuple(self.build["version_info"])


def interpreter_environment() -> dict[str, str]:
    """Return the environment for a process under an interpreter: nothing of what changes a Python's behaviour."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in {"VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    }


def discover(candidates: Callable[[], Iterable[Path]] | None = None) -> list[Interpreter]:
    """Return the CPythons found, newest first, each once however many names it has.

    The newest of each series is named by it (``3.13``), the others by their whole version (``3.13.0``).
    """
    programs = dict.fromkeys(path.resolve() for path in (candidates or _candidates)())
    with ThreadPoolExecutor(8) as pool:
        builds = {build["executable"]: build for build in pool.map(_probe, programs) if build and _fits(build)}
    found = [Interpreter("", build) for build in builds.values()]
    found.sort(key=lambda one: (one.age, not one.build["freethreaded"], not one.build["debug"]), reverse=True)
    return list(_assign_names(found))


def extremes(found: Sequence[Interpreter]) -> dict[str, Interpreter]:
    """Return the newest, the oldest and the newest free-threaded interpreter, by name.

    Args:
        found: every interpreter, newest first.
    """
    with_gil = [interpreter for interpreter in found if not interpreter.build["freethreaded"]]
    free = [interpreter for interpreter in found if interpreter.build["freethreaded"]]
    return {interpreter.name: interpreter for interpreter in (*with_gil[:1], *with_gil[-1:], *free[:1])}


def resolve(wanted: str, find: Callable[[], Sequence[Interpreter]]) -> list[Interpreter]:
    """Return the interpreters that a comma-separated list stands for.

    Args:
        wanted: each is ``auto``; a version, the newest build that fits (``3.13``, ``3.13.0``, ``3.13t``); or a path.
            ``name=`` before it gives it a name, ``+jit`` and the like behind it change something about it.
        find: returns what there is, newest first; not called where every name comes with a path, since it takes
            seconds.

    Raises:
        GilbenchError: one is not there or not fit; the message says what is.
    """
    find = functools.cache(find)
    if wanted.strip() == AUTO:
        return auto(find())
    interpreters: dict[str, Interpreter] = {}
    for spec in filter(None, (part.strip() for part in wanted.split(","))):
        named, changed = variants.split(spec)
        given, _, what = named.rpartition("=")
        if given and not _NAME.fullmatch(given):
            raise GilbenchError(f"{given!r} is no name for an interpreter: take letters, digits and . _ + - = :")
        if _SHORT.fullmatch(what):
            interpreter = _find_version(what, find())
        else:
            build = _probe_program(what, find)
            interpreter = Interpreter(given or _find_name(build, find()), build)
        changed.check(interpreter.name, interpreter.build)
        interpreter = _apply_settings(Interpreter(given or f"{interpreter.name}{changed}", interpreter.build, changed))
        if interpreter.name in interpreters:
            raise GilbenchError(
                f"{interpreter.name} names two interpreters: give one another name, as mine={what}{changed}"
            )
        interpreters[interpreter.name] = interpreter
    if not interpreters:
        raise GilbenchError("--pythons names no interpreter: name some, as 3.13,3.13t, or say auto")
    return list(interpreters.values())


def pin_interpreters(interpreters: Iterable[Interpreter], counts: Sequence[int]) -> list[Interpreter]:
    """Return each interpreter once for each number of CPUs that its servers are to be pinned to.

    Raises:
        GilbenchError: there are not so many, or an interpreter says for itself how many.
    """
    found = []
    for interpreter, count in itertools.product(interpreters, counts):
        if interpreter.changed.cpus is not None:
            raise GilbenchError(f"--cpus: {interpreter.name} says for itself how many: leave one of the two out")
        one = Variant(CPUS, str(count))
        changed = InterpreterSettings((*interpreter.changed.variants, one))
        changed.check(interpreter.name, interpreter.build)
        found.append(_apply_settings(Interpreter(f"{interpreter.name}{one}", interpreter.build, changed)))
    return found


def require_same_build(interpreters: Iterable[Interpreter]) -> None:
    """Refuse to compare what was not built alike.

    Raises:
        GilbenchError: two interpreters differ in how they were built; the message says in what.
    """
    one, *others = interpreters
    for other in others:
        differs = [name for name in BUILT_ALIKE if one.build.get(name) != other.build.get(name)]
        if differs:
            each = "; ".join(f"{name}: {one.build.get(name)} and {other.build.get(name)}" for name in differs)
            raise GilbenchError(
                f"{one.name} and {other.name} were not built alike ({each}): build both from source with the same "
                "compiler and flags, or leave --require-same-build out"
            )


def auto(found: Sequence[Interpreter]) -> list[Interpreter]:
    """Return the newest release with a free-threaded twin of the same version, and that twin.

    If there is no such pair: the newest release, and the harness's own interpreter.

    Raises:
        GilbenchError: no release was found.
    """
    releases = [one for one in found if one.build["version_info"][3] == _RELEASES and not one.build["debug"]]
    for one in releases:
        twin = next((other for other in releases if other.version == f"{one.version}t"), None)
        if twin is not None:
            return [one, twin]
    if not releases:
        raise GilbenchError(f"no release of CPython found: {_how_to_get('3.13')}")
    own = _probe(Path(sys.executable).resolve())
    newest = next((one for one in releases if not one.build["freethreaded"]), releases[0])
    return [newest, *(one for one in releases if own and one.build == own and one is not newest)]


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    for kind in ALL_PROVIDERS.values():
        provider = kind.create()
        if provider is not None:
            yield from (python.executable for python in provider.find_pythons())
    for folder in os.get_exec_path():
        with contextlib.suppress(OSError):  # PATH may name what is not there
            yield from (path for path in Path(folder).iterdir() if _PROGRAM.fullmatch(path.name))


def _apply_settings(interpreter: Interpreter) -> Interpreter:
    """Return an interpreter with what it says of itself once its changes are made.

    Raises:
        GilbenchError: it does not start with them.
    """
    if not interpreter.changed.variants:
        return interpreter
    said = _probe(interpreter.executable, interpreter.changed.environment)
    if said is None:
        raise GilbenchError(f"{interpreter.executable} does not start with {interpreter.changed}: leave that out")
    build = said | {"executable": str(interpreter.executable), "variants": str(interpreter.changed)}
    return Interpreter(interpreter.name, build, interpreter.changed)


def _probe(program: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """Return what a program says of itself; ``None`` if it does not run as a Python does."""
    isolated = "-I" if environment is None else "-s"  # the former would not look at the environment
    try:
        done = subprocess.run(
            [str(program), isolated, str(_PROBE)],
            env=interpreter_environment() | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_PROBE_TIMEOUT_S,
        )
        build: dict[str, Any] = json.loads(done.stdout)
        build["executable"] = str(Path(build["executable"]).resolve())
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
        return None  # a pyenv shim without a version, a broken install, something else of that name
    return build


def _fits(build: dict[str, Any]) -> bool:
    return build["implementation"] == "CPython" and tuple(build["version_info"][:2]) >= OLDEST


def _assign_names(found: Iterable[Interpreter]) -> Iterator[Interpreter]:
    taken: set[str] = set()
    for one in found:
        short = (one.series, one.version) if not one.build["debug"] else (f"{one.version}d",)
        names = (*short, *(f"{short[-1]}#{number}" for number in range(2, 100)))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield Interpreter(name, one.build)


def _find_version(version: str, found: Sequence[Interpreter]) -> Interpreter:
    for one in found:  # newest first
        series_of_all = version in {"3", "3t"} and one.series.endswith("t") == version.endswith("t")
        if not one.build["debug"] and (version in {one.series, one.version} or series_of_all):
            return Interpreter(version, one.build)
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST[: version.count(".") + 1]:
        raise GilbenchError(
            f"CPython {version} is too old: gilbench measures CPython {'.'.join(map(str, OLDEST))} and newer"
        )
    have = ", ".join(dict.fromkeys(one.name for one in found)) or "none"
    raise GilbenchError(f"no CPython {version} found (found: {have}): {_how_to_get(version)}")


def _probe_program(path: str, find: Callable[[], Sequence[Interpreter]]) -> dict[str, Any]:
    program = shutil.which(Path(path).expanduser())
    if program is None:
        found = [one.name for one in find()]
        meant = did_you_mean(path, [AUTO, *found])
        raise GilbenchError(
            f"{path!r} is no version, no program and no path of one{meant} (found: {', '.join(found) or 'none'}): "
            f"{_how_to_get('3.14t')}"
        )
    build = _probe(Path(program).resolve())
    if build is None or not _fits(build):
        what = f"{build['implementation']} {build['version']}" if build else "no Python that runs"
        raise GilbenchError(f"{path} is {what}: gilbench measures CPython {'.'.join(map(str, OLDEST))} and newer")
    if (Path(program).parent.parent / "pyvenv.cfg").is_file():
        build["executable"] = str(Path(program).absolute())  # not resolved: so its packages are there for handlers
    return build


def _find_name(build: dict[str, Any], found: Sequence[Interpreter]) -> str:
    same = next((one for one in found if one.build == build), None)
    return (same or Interpreter("", build)).name or Interpreter("", build).version


def _how_to_get(version: str) -> str:
    return f"install it, as by uv python install {version}, or give the path of its program"
