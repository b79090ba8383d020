"""Errors of the experiment; all derive from :class:`GilbenchError`, the errors that users can act on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from loadgen.errors import GilbenchError, InvalidInput

__all__ = ["ELSEWHERE", "GilbenchError", "InvalidInput", "ServerFailed", "writing"]


class ServerFailed(GilbenchError):
    """A server under test did not start, or ended unexpectedly."""


ELSEWHERE: Final = "make room, or copy the folder elsewhere"
"""The remedy if a run's own folder cannot be written to."""


@contextlib.contextmanager
def writing(path: Path, remedy: str) -> Iterator[None]:
    """Turn an OSError in the block into a one-line error that names the file and the remedy.

    Args:
        path: named in the error if the OSError names no file.
        remedy: how to fix it.

    Raises:
        GilbenchError: a file could not be written.
    """
    try:
        yield
    except OSError as exc:
        raise GilbenchError(f"cannot write to {exc.filename or path}: {exc.strerror}; {remedy}") from exc
