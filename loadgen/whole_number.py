"""Parsing of whole numbers."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def whole_number(most: int, least: int = 1) -> Callable[[str], int]:
    """Return a parser of whole numbers from ``least`` to ``most``.

    Raises:
        argparse.ArgumentTypeError: by the parser: the text is not such a number.
    """

    def read_one(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"invalid number {text!r}: use a whole number from {least} to {most:,}")
        return int(text)

    return read_one
