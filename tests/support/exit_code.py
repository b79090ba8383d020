"""Exit codes of commands that are called as functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def exit_code(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Return the command's exit code, even if argparse ends it."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(str(ended.code))
