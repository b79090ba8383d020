"""The interpreters to test under: the newest build found of each series."""

from __future__ import annotations

from typing import Final

from bench.targets import Target, discover

FOUND: Final[list[Target]] = discover()
NEWEST: Final[dict[str, Target]] = {target.name: target for target in FOUND if target.name == target.series}
