"""Command lines of analysing: what is wrong with what was typed is one line, and the exit status tells."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see --help\n")


def fail(message: str, status: int) -> int:
    """Write a message as one line, and return the exit status."""
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return status
