"""The one family of errors that a user can do something about."""

from __future__ import annotations


class GilbenchError(Exception):
    """Something a user can fix. The message is one line and names the remedy.

    Only command lines catch it, print it and exit.
    """


class InvalidInput(GilbenchError):
    """Options or files that make no sense; other errors say that what was asked for failed."""
