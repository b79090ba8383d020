"""Command lines of analysing: what is wrong with what was typed is one line, and the exit status tells."""

from __future__ import annotations

import sys

from loadgen.command_line import Parser

__all__ = ["Parser", "fail"]


def fail(message: str, status: int) -> int:
    """Write a message as one line, and return the exit status."""
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return status
