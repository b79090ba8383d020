"""Texts in characters that their reader has: ``±2%`` is ``+-2%`` in ASCII."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable
from typing import IO, Final

LIKENESS: Final = "gilbench.likeness"
"""Name of the error handler that writes a likeness of a character that an encoding lacks, or ``?``."""

_ALIKE: Final = str.maketrans("×–—·…µ▲▼▸’“”≈−▁▂▃▄▅▆▇█▓▒░─│", 'x--.~u^v>\'""~-_.-:=+*#+=:-|')
_LONGER: Final = str.maketrans({"±": "+-", "→": "->", "≠": "!=", "≤": "<=", "≥": ">="})


def spell(text: str, encoding: str) -> str:
    """Return a text in characters that an encoding has, with ``?`` for what has no likeness."""
    return text.encode(encoding, LIKENESS).decode(encoding)


def never_fail(streams: Iterable[IO[str]]) -> None:
    """Let no text fail for its characters: a terminal without × is no reason to end."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=LIKENESS)


def _likeness(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end].translate(_LONGER).translate(_ALIKE)
    return "".join(character if character.isascii() else "?" for character in found), error.end


codecs.register_error(LIKENESS, _likeness)
