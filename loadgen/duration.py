"""Parsing of durations, such as ``500ms``."""

from __future__ import annotations

import argparse
import re

_UNITS_S = {"us": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def duration_s(text: str) -> float:
    """Parse ``500ms``, ``5s``, ``3m``, ``1h`` or plain seconds, and return seconds.

    Raises:
        argparse.ArgumentTypeError: ``text`` is not a duration.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|)", text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"invalid duration {text!r}: use 500ms, 5s, 3m or 1h")
    return float(match[1]) * _UNITS_S[match[2]]
