"""SVG pictures inlined in a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Final

from markupsafe import Markup

from bench.report.plots.svg import NAMESPACE

_POINTS_AN_INCH: Final = 72
_PIXELS_AN_INCH: Final = 96
_COLOUR: Final = re.compile("#[0-9a-f]{6}")


def inline(svg: str, name: str) -> Markup:
    """Prepare an SVG file for inlining in a page: no prolog, no fixed size, unique ids.

    Its colours become the page's (:mod:`bench.report.theme`), so that it follows dark mode. What is escaped in the file
    stays escaped, so that no name from a run becomes markup.

    Args:
        svg: the file's text, from :func:`bench.report.plots.style.to_svg`.
        name: name of the picture, the prefix of its ids.
    """
    root = ET.fromstring(svg)  # noqa: S314 - our own file
    for node in root.iter():
        for key, value in node.attrib.items():
            node.set(key, _as_part(key, value, name))
    del root.attrib["width"], root.attrib["height"]
    # Drawn at its own size where there is room, so that its text is as large as the page's.
    width = float(root.attrib["viewBox"].split()[2]) * _PIXELS_AN_INCH / _POINTS_AN_INCH
    root.set("style", f"--width: {width:.0f}px")
    return Markup(ET.tostring(root, encoding="unicode").replace(f' xmlns="{NAMESPACE}"', "", 1))  # noqa: S704 - see above


def _as_part(key: str, value: str, name: str) -> str:
    """Return an attribute's value with the ids of this picture, and the colours of its page."""
    if key == "id":
        return f"{name}-{value}"
    if key == "href":
        return f"#{name}-{value.removeprefix('#')}"
    if key == "aria-label":
        return value
    if _COLOUR.fullmatch(value):
        return f"var(--c-{value[1:]})"
    return value.replace("url(#", f"url(#{name}-")
