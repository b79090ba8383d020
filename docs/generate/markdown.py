"""Markdown that both GitHub and the site support."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_ROLE: Final = re.compile(r":(?:class|mod|data|func|meth):`~?([\w.]+)`")
_LITERAL: Final = re.compile(r"``(.+?)``")
_OPTION: Final = re.compile(
    r"(?<![\w-])(?<!nox )(?<!python )--?[a-z][\w-]*(?: '[^']*')?(?![\w-])"  # an option
    r"|(?<=: )(?:nox|python) -.*[^.]"  # a whole command
)


def page(title: str, *parts: str) -> str:
    """Return a whole page: a comment on its origin, its title and its parts, separated by empty lines."""
    made = "<!-- Written by nox -s docs from the code: change it there. -->"
    return "\n\n".join([made, f"# {title}", *(part.strip("\n") for part in parts if part.strip())]) + "\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without its empty columns."""
    several = [tuple(map(cell, row)) for row in rows]
    kept = [place for place in range(len(titles)) if any(row[place] for row in several)]
    lines = [
        [titles[place] for place in kept],
        ["---"] * len(kept),
        *([row[place] for place in kept] for row in several),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def keys(titles: tuple[str, str], rows: Mapping[str, str]) -> str:
    """Return a table of names and their meanings."""
    return table(titles, [(names(name), what) for name, what in rows.items()])


def names(text: str) -> str:
    """Return comma-separated names, each as code."""
    return ", ".join(code(name.strip()) for name in text.split(","))


def code(text: str) -> str:
    return f"`{text}`"


def cell(text: str) -> str:
    """Return a text in a form that fits into a cell of a table."""
    return " ".join(prose(text).split()).replace("|", r"\|").removesuffix(".")


def prose(text: str) -> str:
    """Return the text of a docstring as Markdown."""
    text = _LITERAL.sub(r"`\1`", _ROLE.sub(lambda role: code(role[1].rpartition(".")[2]), text))
    return text if "`" in text else _OPTION.sub(r"`\g<0>`", text)
