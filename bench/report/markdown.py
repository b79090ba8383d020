"""Markdown for GitHub, in which names and messages are plain text, whatever characters they contain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_SPECIAL: Final = frozenset("\\`*_~[]<>|&$#@!")


def escape(text: str) -> str:
    """Escape a text so that it is shown unchanged, on one line."""
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as code on its own line, whatever number of backticks it contains."""
    fence = "`" * (1 + max((len(run) for run in _runs(text)), default=0))
    return f"{fence} {' '.join(text.split())} {fence}"


def table(titles: Sequence[str], names: int, rows: Iterable[Sequence[str]]) -> str:
    """Return a table of plain texts; the first ``names`` columns are names, the others figures."""
    lines = [titles, ["---" if place < names else "---:" for place in range(len(titles))]]
    shown = ["|".join(["", *(f" {escape(title)} " for title in lines[0]), ""]), "|".join(["", *lines[1], ""])]
    shown += ["|".join(["", *(f" {escape(text)} " for text in row), ""]) for row in rows]
    return "\n".join(shown) + "\n"


def fold_table(title: str, markdown: str) -> str:
    """Return markdown in a collapsed section."""
    return f"<details><summary>{_html(title)}</summary>\n\n{markdown}\n</details>\n"


def _runs(text: str) -> list[str]:
    """Return the runs of backticks in a text."""
    return "".join(character if character == "`" else " " for character in text).split()


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
