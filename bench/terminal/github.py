"""Output for GitHub Actions beyond plain lines: groups that fold, warnings next to the log, and a summary.

Elsewhere it does nothing. https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

MOST_WARNINGS: Final = 10
"""Number of warnings that GitHub shows for one step."""
MOST_BYTES: Final = 1 << 20
"""Largest summary that GitHub accepts for a step; a larger one is dropped as a whole."""

_COMMAND: Final = re.compile(r"^(\s*):(?=:)|##(?=\[)", re.MULTILINE)


def runs_in_actions() -> bool:
    """Return whether this runs in a workflow of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


@contextlib.contextmanager
def group(title: str, out: IO[str]) -> Iterator[None]:
    """Fold the output of the block under a title."""
    if not runs_in_actions():
        yield
        return
    out.write(f"::group::{_data(title)}\n")
    try:
        yield
    finally:
        out.write("::endgroup::\n")


def warn(messages: Sequence[tuple[str, str]], out: IO[str]) -> None:
    """Write warnings, each with a title; if there are more than GitHub shows, the last one says how many."""
    if not runs_in_actions():
        return
    shown = messages if len(messages) <= MOST_WARNINGS else messages[: MOST_WARNINGS - 1]
    for title, message in shown:
        out.write(f"::warning title={_property(title)}::{_data(message)}\n")
    if len(shown) < len(messages):
        out.write(f"::warning::and {len(messages) - len(shown)} more: see the summary, or the page\n")


def summarise(text: str, short: str = "") -> None:
    """Append Markdown to the summary of the step, if there is one; ``short`` if the text is too large.

    Raises:
        OSError: the file cannot be written to.
    """
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    file = Path(path)
    room = MOST_BYTES - (file.stat().st_size if file.exists() else 0)
    for one in (text, short):
        if len(one.encode()) < room:
            with file.open("a", encoding="utf-8") as summary:
                summary.write(one)
            return


def inert(text: str) -> str:
    """Return text in which no line is a command: names and messages are data, even if they look like one."""
    return _COMMAND.sub(lambda found: f"{found[0]} " if found[0].startswith("#") else f"{found[1]}: ", text)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
