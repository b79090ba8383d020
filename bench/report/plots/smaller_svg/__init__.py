"""An SVG as Matplotlib writes it becomes a fraction as large and looks the same.

It has six decimals, a style for each element, groups and comments for each artist, and spells out
each text glyph by glyph. Here coordinates have hundredths of a point, a text that is met again is drawn once and
referred to, colours are attributes (which a page can replace), and what draws nothing is gone. Only what Matplotlib
writes is understood, which is a small part of SVG: svgo would need Node, and scour has had no release since 2021.
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

from bench.report.plots.smaller_svg.markers import place_markers
from bench.report.plots.smaller_svg.nodes import Node, read
from bench.report.plots.smaller_svg.texts import write_texts
from bench.report.plots.smaller_svg.tidying import tidy, unclip
from bench.report.plots.smaller_svg.writing import serialise


def smaller(text: str, description: str = "") -> str:
    """Return an SVG of Matplotlib's in fewer bytes, described for those who do not see it.

    Args:
        text: the whole file.
        description: goes into its ``aria-label``.
    """
    definitions: dict[str, Node] = {}
    root = read(ET.fromstring(text), definitions)  # noqa: S314 - our own file
    glyphs = {name for name, node in definitions.items() if node.at.get("transform", "").startswith("scale(0.0156")}
    write_texts(root, definitions, glyphs)
    place_markers(root, definitions, glyphs)
    unclip(root, definitions)
    tidy(root, definitions)
    for node in itertools.chain(root.walk(), *(one.walk() for one in definitions.values())):
        if node.at.get("fill") == "none":
            del node.at["fill"]  # said once, at the root
    size = {name: root.at[name] for name in ("width", "height", "viewBox")}
    root.at = {"xmlns": "http://www.w3.org/2000/svg", **size, "fill": "none", "stroke-linejoin": "round", "role": "img"}
    root.at["aria-label"] = description
    return serialise(root, definitions, glyphs)
