"""What pages are explored with: scripts that draw what is chosen, as SVG that keyboard and screen reader can enter.

A page hands its data over as JSON (:func:`island`): ``dims``, the values of model, workload, interpreter and clients;
``free``, the interpreters without a GIL; and ``cells``, columns with a value for each thing that is drawn, its place in
``dims`` among them. It brings scripts of its own that say what can be chosen, draw it, and begin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Final

import numpy as np
from markupsafe import Markup

_BEFORE: Final = ("write", "scale", "data", "svg", "tip")
_AFTER: Final = ("state", "controls")
_IMPORT: Final = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ", re.MULTILINE)
_DIGITS: Final = 6


def island(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that may stand in a ``script`` element."""
    said = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return Markup(said.replace("<", "\\u003c"))  # noqa: S704 - no element can begin in it, or end


def round_figures(values: Iterable[float]) -> list[float | None]:
    """Return numbers of so few digits as are shown, ``None`` for NaN."""
    return [None if not np.isfinite(value) else _short(float(f"{value:.{_DIGITS}g}")) for value in values]


def _short(value: float) -> float:
    return int(value) if value.is_integer() else value


def script(package: str, names: Iterable[str]) -> Markup:
    """Return a page's script: what all pages share, and those of its package's folder ``explore``.

    Args:
        package: of the page.
        names: of its scripts, the first of which says what can be chosen.
    """
    first, *others = ((package, f"explore/{name}.js") for name in names)
    ours = [[(__name__, f"{name}.js") for name in part] for part in (_BEFORE, _AFTER)]
    return Markup("\n").join(map(_bundled, (*ours[0], first, *ours[1], *others)))


def _bundled(place: tuple[str, str]) -> Markup:
    """Return a module as a part of one script, in which all names are in one scope."""
    return Markup(_EXPORT.sub("", _IMPORT.sub("", text(*place))))  # noqa: S704 - our own files


def style() -> Markup:
    """Return the style of what is shared."""
    return text(__name__, "explore.css")


def text(package: str, name: str) -> Markup:
    """Return a file of a package as it may stand in a page."""
    return Markup(resources.files(package).joinpath(name).read_text(encoding="utf-8"))  # noqa: S704 - our own files
