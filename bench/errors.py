"""Errors of the experiment, of the one family that users can do something about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from loadgen.errors import GilbenchError, InvalidInput

__all__ = ["ELSEWHERE", "GilbenchError", "InvalidInput", "ServerFailed", "writing"]


class ServerFailed(GilbenchError):
    """A server under test did not start, or ended when it should not have."""


ELSEWHERE: Final = "make room, or copy the folder elsewhere"
"""The remedy where a run's own folder cannot be written to."""


@contextlib.contextmanager
def writing(path: Path, remedy: str) -> Iterator[None]:
    """Turn an error of the system within the block into one line that names the file and the remedy.

    Args:
        path: named where the system names no file.
        remedy: what would help.

    Raises:
        GilbenchError: something could not be written.
    """
    try:
        yield
    except OSError as exc:
        raise GilbenchError(f"cannot write to {exc.filename or path}: {exc.strerror}; {remedy}") from exc
