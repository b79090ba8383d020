"""Errors that a user can fix."""

from __future__ import annotations


class GilbenchError(Exception):
    """An error that the user can fix. The message is one line and names the remedy.

    Only command lines catch it, print it and exit.
    """


class InvalidInput(GilbenchError):
    """Invalid options or files; any other :class:`GilbenchError` means that the operation itself failed."""
