"""Shells with a completion script."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
SHELLS: Final = {
    "bash": (_HERE / "common.sh", _HERE / "bash.sh"),
    "zsh": (_HERE / "common.sh", _HERE / "zsh.sh"),
}
"""The files that make up each shell's script."""
