"""Changed settings of an interpreter: ``3.14+jit`` is 3.14 with its JIT on, an interpreter like any other.

Each kind is a row: what it sets, in the environment or on the server's command line; which builds support it; and what
a serving interpreter must then report about itself (:mod:`servers.interpreter`). Several can be combined.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, NamedTuple

from bench.errors import InvalidInput
from bench.interpreters import affinity
from bench.schema.build import Build
from loadgen.nearest import did_you_mean

ENV: Final = "env:"
CPUS: Final = "cpus"
MOST_CPUS: Final = 1024
_LONGEST_INTERVAL_S: Final = 10.0
_SWITCH_S: Final = 0.005  # CPython's default, Python/ceval_gil.c


class Kind(NamedTuple):
    """A kind of setting.

    Attributes:
        summary: its description in the help.
        value: placeholder for the value after ``=`` in the help; empty: it takes none.
        environment: returns the environment variables that it sets, from its value.
        options: returns the options of the server, from its value.
        prefix: returns the words before the interpreter on its command line, from its value.
        state: returns what a serving interpreter then reports, from its value.
        unless: returns why a build does not support it, from its value; empty: it does.
        unable: returns why this machine cannot do it, from its value; empty: it can.
        reads: returns whether a value is valid.
    """

    summary: str
    value: str = ""
    environment: Callable[[str], dict[str, str]] = lambda _: {}
    options: Callable[[str], list[str]] = lambda _: []
    prefix: Callable[[str], list[str]] = lambda _: []
    state: Callable[[str], dict[str, object]] = lambda _: {}
    unless: Callable[[Build, str], str] = lambda _, __: ""
    unable: Callable[[str], str] = lambda _: ""
    reads: Callable[[str], bool] = lambda value: not value


def _no_jit(build: Build, _: str) -> str:
    known = build.jit != "unavailable"
    return "" if known else "it needs CPython 3.13 or newer, built with --enable-experimental-jit"


def _has_gil(build: Build, _: str) -> str:
    return "" if build.freethreaded else "its GIL is always on; only free-threaded builds of 3.13 and newer support it"


def _no_such_allocator(build: Build, value: str) -> str:
    if build.freethreaded and value != "mimalloc":
        return "a free-threaded build has only mimalloc"
    if value == "mimalloc" and build.version_info[:2] < (3, 13):
        return "it needs CPython 3.13 or newer"
    return ""


def _interval(text: str) -> bool:
    try:
        return 1e-6 <= float(text) <= _LONGEST_INTERVAL_S
    except ValueError:
        return False


KINDS: Final = {
    "jit": Kind(
        "the JIT on, in builds of 3.13 and newer that have one",
        environment=lambda _: {"PYTHON_JIT": "1"},
        state=lambda _: {"jit_enabled": True},
        unless=_no_jit,
    ),
    "gil": Kind(
        "the GIL on, on a free-threaded build",
        environment=lambda _: {"PYTHON_GIL": "1"},
        state=lambda _: {"gil_enabled": True},
        unless=_has_gil,
    ),
    "switch": Kind(
        "the switch interval: seconds for which a thread keeps the GIL while others wait",
        "SECONDS",
        options=lambda value: ["--switch-interval", value],
        state=lambda value: {"switch_interval_s": round(float(value), 9)},
        reads=_interval,
    ),
    "malloc": Kind(
        "the allocator",
        "mimalloc|malloc|pymalloc",
        environment=lambda value: {"PYTHONMALLOC": value},
        unless=_no_such_allocator,
        reads=lambda value: value in {"mimalloc", "malloc", "pymalloc"},
    ),
    "nogc": Kind(
        "no automatic garbage collection", options=lambda _: ["--no-gc"], state=lambda _: {"gc_enabled": False}
    ),
    "freeze": Kind(
        "gc.freeze() before serving and forking", options=lambda _: ["--freeze"], state=lambda _: {"gc_frozen": True}
    ),
    "hashseed": Kind(
        "the hash seed",
        "N",
        environment=lambda value: {"PYTHONHASHSEED": value},
        reads=lambda value: value.isdecimal() and int(value) < 2**32,
    ),
    CPUS: Kind(
        "the server pinned to the first N available CPUs, by taskset of util-linux",
        "N",
        prefix=lambda value: affinity.prefix(int(value)),
        state=lambda value: {"cpus": int(value)},
        unable=lambda value: affinity.unable(int(value)),
        reads=lambda value: value.isdecimal() and 1 <= int(value) <= MOST_CPUS,
    ),
}
"""By the word after the ``+``, in addition to ``env:NAME=VALUE``."""


class Variant(NamedTuple):
    """A kind with its value, or a variable of the environment."""

    word: str
    value: str = ""

    def __str__(self) -> str:
        return f"+{self.word}{f'={self.value}' if self.value else ''}"

    @property
    def kind(self) -> Kind:
        if self.word.startswith(ENV):
            return Kind("", environment=lambda value: {self.word.removeprefix(ENV): value})
        return KINDS[self.word]


class InterpreterSettings(NamedTuple):
    """All changed settings of an interpreter."""

    variants: tuple[Variant, ...] = ()

    def __str__(self) -> str:
        return "".join(map(str, self.variants))

    @property
    def environment(self) -> dict[str, str]:
        return {name: text for one in self.variants for name, text in one.kind.environment(one.value).items()}

    @property
    def options(self) -> list[str]:
        return [word for one in self.variants for word in one.kind.options(one.value)]

    @property
    def prefix(self) -> list[str]:
        return [word for one in self.variants for word in one.kind.prefix(one.value)]

    @property
    def cpus(self) -> int | None:
        """Number of CPUs that a server is pinned to; ``None``: not pinned."""
        return next((int(one.value) for one in self.variants if one.word == CPUS), None)

    def state(self, build: Build) -> dict[str, object]:
        """Return what a serving interpreter must report about itself; unchanged settings must have their defaults.

        Args:
            build: what the interpreter reports about itself with these settings in its environment.
        """
        plain: dict[str, object] = {
            "gil_enabled": build.gil_enabled,
            "switch_interval_s": _SWITCH_S,
            "gc_enabled": True,
            "gc_frozen": False,
            "cpus": len(affinity.available_cpus()),
        }
        if build.jit in {"on", "off"}:
            plain["jit_enabled"] = build.jit == "on"
        changed = {name: value for one in self.variants for name, value in one.kind.state(one.value).items()}
        if build.version_info[:2] < (3, 14):
            changed.pop("jit_enabled", None)  # sys._jit came with 3.14
            plain.pop("jit_enabled", None)
        return plain | changed

    def check(self, name: str, build: Build) -> None:
        """Check that a build supports all settings, and that this machine can apply them.

        Raises:
            InvalidInput: it does not, or cannot; the message gives the remedy.
        """
        for one in self.variants:
            why = one.kind.unless(build, one.value)
            if why:
                raise InvalidInput(f"{name} does not support {one}: {why}; leave it out, or choose another interpreter")
            missing = one.kind.unable(one.value)
            if missing:
                raise InvalidInput(f"{one}: {missing}")


PLAIN: Final = InterpreterSettings()


def split(spec: str) -> tuple[str, InterpreterSettings]:
    """Split ``3.14+jit+switch=0.001`` into the interpreter and its changed settings.

    Raises:
        InvalidInput: a word is unknown or repeated, or its value is invalid.
    """
    rest = spec
    found: list[Variant] = []
    while "+" in rest:
        before, _, text = rest.rpartition("+")
        variant = _read(text)
        if variant is None:
            break
        rest, found = before, [variant, *found]
    words = [one.word for one in found]
    twice = next((word for word in words if words.count(word) > 1), None)
    if twice:
        raise InvalidInput(f"{spec} has +{twice} twice: give it once")
    tail = rest.rpartition("+")[2]
    if tail != rest and not {os.sep, "="} & set(tail):
        meant = did_you_mean(f"+{tail}", [f"+{word}" for word in KINDS])
        raise InvalidInput(f"{spec}: +{tail} is unknown{meant}: choose from {help_text()}")
    return rest, InterpreterSettings(tuple(found))


def help_text() -> str:
    """Return all kinds, each as it is written."""
    return ", ".join(summaries())


def summaries() -> dict[str, str]:
    """Return the summary of each kind, by how it is written."""
    rows = {f"+{word}{f'={kind.value}' if kind.value else ''}": kind.summary for word, kind in KINDS.items()}
    return rows | {f"+{ENV}NAME=VALUE": "an environment variable"}


def _read(text: str) -> Variant | None:
    word, equals, value = text.partition("=")
    if word.startswith(ENV):
        name = word.removeprefix(ENV)
        return Variant(word, value) if equals and name.isidentifier() else None
    kind = KINDS.get(word)
    if kind is None or (equals and not kind.value):
        return None
    if not kind.reads(value):
        if os.sep in value:  # a path, so the text before it is its name
            return None
        raise InvalidInput(f"invalid +{text}: write +{word}{f'={kind.value}' if kind.value else ''}")
    return Variant(word, value)
