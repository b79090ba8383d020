"""Console blocks: commands with their output."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

PROMPT: Final = "$ "
_MORE: Final = "> "
_ANYTHING: Final = "..."


class Step(NamedTuple):
    """A command of a block.

    Attributes:
        typed: its lines, as in the block.
        shown: the output below it.
    """

    typed: tuple[str, ...]
    shown: str

    @property
    def command(self) -> str:
        """Return the command as a shell reads it."""
        first, *more = self.typed
        return "\n".join([first.removeprefix(PROMPT), *(line.removeprefix(_MORE) for line in more)])


def steps(source: str) -> list[Step]:
    """Divide a block into its commands.

    Raises:
        ValueError: the block does not begin with a command.
    """
    found: list[tuple[list[str], list[str]]] = []
    for line in source.splitlines():
        typed, shown = found[-1] if found else ([], [])
        if line.startswith(PROMPT):
            found.append(([line], []))
        elif not found:
            raise ValueError(f"{line!r} stands before the first {PROMPT}")
        elif not shown and (typed[-1].endswith("\\") or line.startswith(_MORE)):
            typed.append(line)
        else:
            shown.append(line)
    return [Step(tuple(typed), "\n".join(shown)) for typed, shown in found]


def text(several: list[Step]) -> str:
    """Return the block that consists of these commands."""
    return "".join(f"{line}\n" for step in several for line in (*step.typed, *step.shown.splitlines()))


def plain(printed: str) -> str:
    """Return output without spaces at the ends of lines and without empty lines at both ends."""
    return "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n")


def agrees(shown: str, printed: str) -> bool:
    """Return whether a page shows what was printed."""
    lines = plain(shown).splitlines()
    pattern = "".join(r"(?:.*\n)*?" if line == _ANYTHING else _line(line) for line in lines)
    whole = plain(printed)
    return re.fullmatch(pattern, f"{whole}\n" if whole else "") is not None


def _line(shown: str) -> str:
    return ".*?".join(map(re.escape, shown.split(_ANYTHING))) + r"\n"
