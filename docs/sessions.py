"""The sessions of ``noxfile.py``: one for each command, and those read from its source, without importing nox."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final, NamedTuple

from bench.cli.commands import COMMANDS

ROOT: Final = Path(__file__).parent.parent
_DECORATOR: Final = "harness_session"


class Session(NamedTuple):
    """A session, which ``nox -s NAME`` runs.

    Attributes:
        summary: one line.
        command: whether it runs the command of that name, with the arguments after ``--``.
    """

    summary: str
    command: bool


def sessions() -> dict[str, Session]:
    """Return the sessions by name: commands first, then the others in the order of the noxfile."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    others = {
        node.name: Session((ast.get_docstring(node) or "").partition("\n")[0], command=False)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(one, ast.Name) and one.id == _DECORATOR for one in node.decorator_list)
    }
    return {name: Session(row.summary, command=True) for name, row in COMMANDS.items()} | others
