"""Interactive pages: scripts that draw the selection, as SVG that is accessible to keyboard and screen reader.

A page passes its data as JSON (:func:`island`): ``dims``, the values of model, workload, interpreter and clients;
``free``, the interpreters without a GIL; and ``cells``, columns with a value for each item drawn, including its index
in ``dims``. The page's own scripts define the choices, draw them, and start the page.
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
_DIGITS: Final = 5


def island(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that is safe in a ``script`` element."""
    said = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return Markup(said.replace("<", "\\u003c"))  # noqa: S704 - no element can begin or end in it


def round_figures(values: Iterable[float], digits: int = _DIGITS) -> list[float | None]:
    """Return numbers rounded to the digits shown, ``None`` for NaN."""
    return [None if not np.isfinite(value) else _short(float(f"{value:.{digits}g}")) for value in values]


def _short(value: float) -> float:
    return int(value) if value.is_integer() else value


def script(package: str, names: Iterable[str]) -> Markup:
    """Return a page's script: the shared modules, and those in its package's folder ``explore``.

    Args:
        package: package of the page.
        names: names of its scripts, the first of which defines the choices.
    """
    first, *others = ((package, f"explore/{name}.js") for name in names)
    ours = [[(__name__, f"{name}.js") for name in part] for part in (_BEFORE, _AFTER)]
    return Markup("\n").join(map(_bundled, (*ours[0], first, *ours[1], *others)))


def _bundled(place: tuple[str, str]) -> Markup:
    """Return a module as part of one script with a single scope."""
    return Markup(_EXPORT.sub("", _IMPORT.sub("", text(*place))))  # noqa: S704 - our own files


def style() -> Markup:
    """Return the shared style sheet."""
    return text(__name__, "explore.css")


def text(package: str, name: str) -> Markup:
    """Return a file of a package for inclusion in a page."""
    return Markup(resources.files(package).joinpath(name).read_text(encoding="utf-8"))  # noqa: S704 - our own files
