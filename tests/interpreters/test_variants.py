"""Variants of an interpreter: their names, the builds that support them, and that every model serves with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.errors import GilbenchError, ServerFailed
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import resolve
from bench.interpreters.variants import InterpreterSettings, Variant, split
from bench.runner.server import Server
from bench.runner.verification import DESCRIBING, verify
from servers.models import MODELS
from tests.support.builds import made_build
from tests.support.interpreters import chosen, found, without_gil

LATEST = found()[0].name
FREE = without_gil()
EVERYTHING = "+switch=0.0005+nogc+freeze+hashseed=7+env:SHOP=open"
WITH_JIT = [name for name, one in chosen().items() if one.build.jit == "off"]


def only(spec: str) -> Interpreter:
    (interpreter,) = resolve(spec, found)
    return interpreter


def verified(model: str, interpreter: Interpreter, claimed: Interpreter | None = None) -> None:
    server = Server(interpreter, model, DESCRIBING)
    try:
        server.ready()
        verify(server, model, claimed or interpreter)
    finally:
        server.stop()


SERVED = [(model, one.name) for one in chosen().values() for model, row in MODELS.items() if one.release >= row.since]


@pytest.mark.parametrize(("model", "name"), SERVED)
def test_models_serve_with_what_is_changed(model: str, name: str) -> None:
    plain, changed = only(name), only(name + EVERYTHING)
    verified(model, changed)
    server = Server(plain, model, DESCRIBING)
    try:
        server.ready()
        verify(server, model, plain)
        with pytest.raises(ServerFailed, match=r"switch_interval_s is 0\.005, not 0\.0005"):
            verify(server, model, changed)
    finally:
        server.stop()


@pytest.mark.parametrize("model", [name for name in MODELS if name != "subinterpreters"])
def test_models_serve_with_the_jit(model: str) -> None:
    for name in WITH_JIT:
        interpreter = only(f"{name}+jit")
        assert interpreter.changed.state(interpreter.build)["jit_enabled"] is True
        verified(model, interpreter)


def test_verification_fails_where_the_jit_is_off() -> None:
    for name in WITH_JIT:
        with pytest.raises(ServerFailed, match="jit_enabled is False, not True"):
            verified("threaded", only(name), claimed=only(f"{name}+jit"))


def test_verification_fails_where_subinterpreters_do_not_get_the_jit() -> None:
    names = [one.name for one in found() if one.build.jit == "off" and one.release == (3, 14)][:1]
    for name in names:
        with pytest.raises(ServerFailed, match="jit_enabled is False, not True: leave out subinterpreters or"):
            verified("subinterpreters", only(f"{name}+jit"))


@pytest.mark.parametrize("model", MODELS)
def test_models_serve_with_the_gil_of_a_free_threaded_build_on(model: str) -> None:
    for name in (name for name in FREE if only(name).release >= MODELS[model].since):
        interpreter = only(f"{name}+gil")
        assert (interpreter.name, interpreter.build.gil_enabled, interpreter.build.variants) == (
            f"{name}+gil",
            True,
            "+gil",
        )
        verified(model, interpreter)


def test_server_refuses_a_gil_that_is_on_at_the_start() -> None:
    for name in FREE:
        silent = Interpreter(name, only(name).build, InterpreterSettings((Variant("env:PYTHON_GIL", "1"),)))
        with pytest.raises(ServerFailed, match="turned its GIL back on"):
            verified("threaded", silent)


def test_server_names_the_module_that_turns_the_gil_on(tmp_path: Path) -> None:
    # CPython writes this (Python/import.c); here a handler does, since no module of the standard library triggers it.
    text = "RuntimeWarning: The global interpreter lock (GIL) has been enabled to load module 'spam', which has not"
    shop = tmp_path / "shop.py"
    shop.write_text(f"import sys\nsys.stderr.write({text!r})\ndef price(request):\n    return request\n", "utf-8")
    server = Server(only(LATEST), "threaded", f"{shop}:price")
    server.ready()
    server.stop()
    (warning,) = server.disturbances()
    assert warning["code"] == "gil_returned"
    assert "module spam does not say that it can do without" in warning["reason"]


@pytest.mark.parametrize(
    ("spec", "rest", "changed"),
    [
        ("3.14", "3.14", ""),
        ("3.14+jit", "3.14", "+jit"),
        ("x=3.14+nogc+switch=0.001", "x=3.14", "+nogc+switch=0.001"),
        ("/opt/c++/bin/python+jit", "/opt/c++/bin/python", "+jit"),
        ("/opt/c++/bin/python", "/opt/c++/bin/python", ""),
        ("3.14+jit=/usr/bin/python3+jit", "3.14+jit=/usr/bin/python3", "+jit"),
        ("3.14+switch=0.1=/usr/bin/python3+switch=0.1", "3.14+switch=0.1=/usr/bin/python3", "+switch=0.1"),
        ("3.14+env:A=/x/y", "3.14", "+env:A=/x/y"),
        ("3.14+env:A=", "3.14", "+env:A"),
    ],
)
def test_split_takes_changes_from_behind_the_interpreter(spec: str, rest: str, changed: str) -> None:
    found = split(spec)
    assert (found[0], str(found[1])) == (rest, changed)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("3+turbo", "+turbo is unknown: choose from +jit, +gil, +switch=SECONDS"),
        ("3+nogc+nogc", "has +nogc twice"),
        ("3+switch=fast", "write +switch=SECONDS"),
        ("3+switch=0", "write +switch=SECONDS"),
        ("3+switch", "write +switch=SECONDS"),
        ("3+malloc=jemalloc", "write +malloc=mimalloc|malloc|pymalloc"),
        ("3+hashseed=random", "write +hashseed=N"),
        ("3+gil", "only free-threaded builds of 3.13 and newer support it"),
        ("3+nogc,3+nogc", "two interpreters are named 3+nogc"),
    ],
)
def test_resolve_refuses_nonsense_in_a_line_that_says_what_there_is(spec: str, says: str) -> None:
    with pytest.raises(GilbenchError) as refused:
        resolve(spec, found)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("word", "value", "build", "says"),
    [
        ("jit", "", {"jit": "unavailable"}, "CPython 3.13 or newer, built with --enable-experimental-jit"),
        ("malloc", "mimalloc", {"version_info": (3, 12, 1, "final", 0)}, "needs CPython 3.13 or newer"),
        ("malloc", "malloc", {"freethreaded": True}, "has only mimalloc"),
    ],
)
def test_interpreter_settings_refuses_a_build_that_does_not_know_it_and_names_those_that_do(
    word: str, value: str, build: dict[str, Any], says: str
) -> None:
    changed = InterpreterSettings((Variant(word, value),))
    changed.check("mine", made_build())
    with pytest.raises(GilbenchError, match=says):
        changed.check("mine", made_build(**build))
