"""The interpreters to test under: the newest build found of each series."""

from __future__ import annotations

from typing import Final

from bench.interpreters.targets import Target, discover

FOUND: Final[list[Target]] = discover()
NEWEST: Final[dict[str, Target]] = {target.name: target for target in FOUND if target.name == target.series}
_GIL = [name for name, target in NEWEST.items() if not target.build["freethreaded"]]
CORNERS: Final[dict[str, Target]] = {name: target for name, target in NEWEST.items() if name not in _GIL[1:-1]}
"""The newest and the oldest, and all without a GIL: for what does not depend on each version's inside."""
