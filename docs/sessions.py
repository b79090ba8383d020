"""The sessions of ``noxfile.py``, read from its source: it can only be run where nox is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
_DECORATOR: Final = "harness_session"
_RUNS: Final = "_run_here"


class Session(NamedTuple):
    """What ``nox -s NAME`` does.

    Attributes:
        summary: the first line of its docstring.
        module: what ``python -m`` runs in it with the words behind ``--``; empty: something else is run.
        words: what stands before those words.
    """

    summary: str
    module: str
    words: tuple[str, ...]


def sessions() -> dict[str, Session]:
    """Return them by name, in the order of the file."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {
        node.name: Session((ast.get_docstring(node) or "").partition("\n")[0], *_python(node))
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(inner, ast.Name) and inner.id == _DECORATOR
            for one in node.decorator_list
            for inner in ast.walk(one)
        )
    }


def _python(session: ast.FunctionDef) -> tuple[str, tuple[str, ...]]:
    """Return the module that a session runs with the words it was given, and what stands before them."""
    named = {
        interpreter.id: one.value
        for one in session.body
        if isinstance(one, ast.Assign)
        for interpreter in one.targets
        if isinstance(interpreter, ast.Name)
    }
    for call in ast.walk(session):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == _RUNS:
            words = [word for argument in call.args[1:] for word in _words(argument, named)]
            return words[0], tuple(words[1:])
    return "", ()


def _words(argument: ast.expr, named: Mapping[str, ast.expr]) -> list[str]:
    if isinstance(argument, ast.Constant):
        return [str(argument.value)]
    if isinstance(argument, ast.Starred):
        return _words(argument.value, named)
    if isinstance(argument, ast.Name) and argument.id in named:
        return _words(named[argument.id], named)
    if isinstance(argument, ast.Tuple):
        return [word for inner in argument.elts for word in _words(inner, named)]
    return []
