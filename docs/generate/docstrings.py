"""The parts of a docstring, in the format that this project uses."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Final

_SECTION: Final = re.compile(r"^(\w+):$", re.MULTILINE)
_ENTRY: Final = re.compile(r"^(\w+): ", re.MULTILINE)


def said(of: object) -> str:
    """Return a docstring up to its first section."""
    return _parts(of)[0].strip()


def attributes(of: type) -> dict[str, str]:
    """Return the entries of the section "Attributes", by name."""
    parts = _parts(of)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    entries = _ENTRY.split(textwrap.dedent(sections.get("Attributes", "").strip("\n")))
    return {name: " ".join(text.split()) for name, text in zip(entries[1::2], entries[2::2], strict=True)}


def _parts(of: object) -> list[str]:
    return _SECTION.split(inspect.getdoc(of) or "")
