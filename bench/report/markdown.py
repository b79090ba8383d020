"""Markdown for GitHub, in which names and messages are data, whatever characters they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_SPECIAL: Final = frozenset("\\`*_~[]<>|&$#@!")


def escape(text: str) -> str:
    """Return a text that shows as it is, on one line."""
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as code on a line of its own, however many backticks are in it."""
    fence = "`" * (1 + max((len(run) for run in _runs(text)), default=0))
    return f"{fence} {' '.join(text.split())} {fence}"


def table(titles: Sequence[str], names: int, rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts that are no markdown yet; the first ``names`` columns are names, the others figures."""
    lines = [titles, ["---" if place < names else "---:" for place in range(len(titles))]]
    shown = ["|".join(["", *(f" {escape(title)} " for title in lines[0]), ""]), "|".join(["", *lines[1], ""])]
    shown += ["|".join(["", *(f" {escape(text)} " for text in row), ""]) for row in rows]
    return "\n".join(shown) + "\n"


def fold_table(title: str, markdown: str) -> str:
    """Return markdown that is shown on a click."""
    return f"<details><summary>{_html(title)}</summary>\n\n{markdown}\n</details>\n"


def _runs(text: str) -> list[str]:
    """Return the stretches of backticks in a text."""
    return "".join(character if character == "`" else " " for character in text).split()


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
