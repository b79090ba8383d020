"""Exit codes of commands that are called as functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def exit_code(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Return what the command ends with, also where argparse ends it."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(str(ended.code))
