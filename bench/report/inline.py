"""A picture as a part of a page."""

from __future__ import annotations

import re

from markupsafe import Markup

_POINTS_AN_INCH = 72
_PIXELS_AN_INCH = 96


def inline(svg: str, name: str) -> Markup:
    """Make an SVG file a part of a page: no prolog, no size of its own, no id that others could share.

    Its colours become the page's (:mod:`bench.report.theme`), so that it is dark where the page is. The SVG is from
    :func:`bench.report.plots.style.render`: every text in it has become a path, and what it says to a screen reader
    is escaped, so that no name from a run stands in it as markup.

    Args:
        svg: the file's text.
        name: of the picture, which begins its ids.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    svg = re.sub(r'="#([0-9a-f]{6})"', r'="var(--c-\1)"', svg)
    # Drawn at its own size where there is room, so that its text is as large as the page's.
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg).group(1))  # type: ignore[union-attr]
    pixels = width * _PIXELS_AN_INCH / _POINTS_AN_INCH
    return Markup(svg.replace("<svg", f'<svg style="--width: {pixels:.0f}px"', 1))  # noqa: S704 - see above
