"""The first picture of the README and of the documentation, for a light and a dark page, from the committed example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bench.report.theme import DARK

PLOT: Final = Path("results/example/plots/overlap.svg")
NAMES: Final = {"../pictures/overlap.svg": False, "../pictures/overlap-dark.svg": True}
"""Paths relative to the folder of the reference: whether the picture is for a dark page."""

_COLOUR: Final = re.compile("#[0-9a-f]{6}")


def pictures() -> dict[str, str]:
    """Return the text of each picture, by its path."""
    light = PLOT.read_text(encoding="utf-8")
    return {name: _COLOUR.sub(_dark, light) if dark else light for name, dark in NAMES.items()}


def _dark(colour: re.Match[str]) -> str:
    return DARK.get(colour[0], colour[0])
