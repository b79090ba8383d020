"""The pytest adapter: what ``pytest bench`` needs besides its conftest."""

from typing import Final

NARROW: Final = ("--benchmark-name=short", "--benchmark-columns=median")
"""Options of pytest-benchmark with which its table fits a terminal."""
