"""Errors of the experiment, of the one family that users can do something about."""

from __future__ import annotations

from loadgen.errors import GilbenchError, InvalidInput

__all__ = ["GilbenchError", "InvalidInput", "ServerFailed"]


class ServerFailed(GilbenchError):
    """A server under test did not start, or ended when it should not have."""
