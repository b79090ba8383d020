"""The pytest adapter: what ``pytest bench`` needs in addition to its conftest."""

from typing import Final

NARROW: Final = ("--benchmark-name=short", "--benchmark-columns=median")
"""Options of pytest-benchmark that make its table fit a terminal."""

NO_TABLE: Final = "--benchmark-quiet"
"""Option that leaves out pytest-benchmark's table, which repeats what a run shows; its other options bring it back."""
