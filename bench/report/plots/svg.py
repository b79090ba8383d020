"""Post-processing of Matplotlib's SVG for pages: described, themeable, and without metadata for editors."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Final

NAMESPACE: Final = "http://www.w3.org/2000/svg"
FONTS: Final = "DejaVu Sans, Verdana, sans-serif"  # Verdana is about as wide as the font that Matplotlib measured with
BLACK: Final = "#000000"  # the colour that Matplotlib leaves out

_GROUP: Final = f"{{{NAMESPACE}}}g"
_PATH: Final = f"{{{NAMESPACE}}}path"
_REFERENCE: Final = "{http://www.w3.org/1999/xlink}href"
_LONG: Final = re.compile(r"-?\d+\.\d+")
_SPACED: Final = re.compile(r"\s*([A-Za-z])\s*")  # Matplotlib writes a line for each command of a path
_STEP: Final = re.compile(r"([MLz])([^MLz]*)")
_LINES: Final = re.compile(r"(?:[ML][-\d.e]+ [-\d.e]+|z)*")
_ROUNDED: Final = ("d", "x", "y", "width", "height", "transform")
_URL: Final = re.compile(r"(?<=url\(#)[\w.-]+(?=\))")
_SAID_AT_ROOT: Final = {("stroke-linejoin", "round"), ("stroke-linecap", "butt"), ("fill", "#000000")}
_NOT_TURNED: Final = "rotate(-0 "
_UNREAD: Final = ("metadata", "style")  # the style would apply to the whole page, and is set on the root instead

ET.register_namespace("", NAMESPACE)


def finish(text: str, description: str = "") -> str:
    """Return Matplotlib's SVG for pages and files: text stays text, colours are attributes.

    Args:
        text: the whole file.
        description: what the picture shows, for its ``aria-label``.
    """
    root = ET.fromstring(text)  # noqa: S314 - our own file
    for node in root.iter():
        for child in [child for child in node if child.tag.removeprefix(f"{{{NAMESPACE}}}") in _UNREAD]:
            node.remove(child)
        _simplify(node)
    _shorten_ids(root)
    _flatten(root)
    _merge(root)
    size = {name: root.attrib[name] for name in ("width", "height", "viewBox")}
    root.attrib.clear()
    root.attrib |= size | {"font-family": FONTS, "fill": BLACK, "stroke-linejoin": "round"}
    root.attrib |= {"role": "img", "aria-label": description}
    return ET.tostring(root, encoding="unicode") + "\n"


def _shorten_ids(root: ET.Element) -> None:
    """Keep only the ids that something refers to, in few characters."""
    names: dict[str, str] = {}

    def rename(name: str) -> str:
        return names.setdefault(name, f"i{len(names)}")

    for node in root.iter():
        for key, value in node.attrib.items():
            node.set(key, f"#{rename(value[1:])}" if key == "href" else _URL.sub(lambda found: rename(found[0]), value))
    for node in root.iter():
        name = node.attrib.pop("id", "")
        if name in names:
            node.set("id", names[name])


def _straight(path: str) -> str:
    """Write lines along an axis as such, with one coordinate; a path with curves stays as it is."""
    if not _LINES.fullmatch(path):
        return path
    x = y = ""
    parts = []
    for command, to in _STEP.findall(path):
        if not to:
            parts.append(command)
            continue
        before, (x, y) = (x, y), to.split()
        along = {(True, False): f"V{y}", (False, True): f"H{x}"}
        parts.append(along.get((x == before[0], y == before[1]), f"L{to}") if command == "L" else f"M{to}")
    return "".join(parts)


def _tenths(number: re.Match[str]) -> str:
    """Round to tenths of a point, the finest that can be seen."""
    text = f"{float(number[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _flatten(node: ET.Element) -> None:
    """Replace groups that have no attributes by what is in them."""
    children: list[ET.Element] = []
    for child in list(node):
        _flatten(child)
        children += list(child) if child.tag == _GROUP and not child.attrib else [child]
        node.remove(child)
    node.extend(children)


def _merge(node: ET.Element) -> None:
    """Join lines that follow one another and look the same into one path."""
    before: ET.Element | None = None
    for child in list(node):
        _merge(child)
        if before is not None and _joinable(child) and _look(child) == _look(before):
            before.set("d", before.attrib["d"] + child.attrib["d"])
            node.remove(child)
        else:
            before = child if _joinable(child) else None


def _joinable(node: ET.Element) -> bool:
    """Return whether a node is a plain line: not filled, not transparent, not referred to."""
    return (
        node.tag == _PATH
        and node.get("fill") == "none"
        and not node.attrib.keys() & {"id", "transform", "opacity", "stroke-opacity"}
    )


def _look(node: ET.Element) -> dict[str, str]:
    return {name: value for name, value in node.attrib.items() if name != "d"}


def _simplify(node: ET.Element) -> None:
    """Write styles as attributes, which a page can replace, and coordinates with only the visible digits."""
    for declaration in filter(None, node.attrib.pop("style", "").split("; ")):
        name, _, value = declaration.rstrip(";").partition(": ")
        if name != "font-family" and (name, value) not in _SAID_AT_ROOT:
            node.set(name, value)
    if node.attrib.get("transform", "").startswith(_NOT_TURNED):
        del node.attrib["transform"]
    if _REFERENCE in node.attrib:
        node.set("href", node.attrib.pop(_REFERENCE))
    for name in _ROUNDED:
        if name in node.attrib:
            node.set(name, _LONG.sub(_tenths, node.attrib[name]))
    if "d" in node.attrib:
        node.set("d", _straight(_SPACED.sub(r"\1", node.attrib["d"])))
    if node.text and not node.text.strip():
        node.text = None
    node.tail = None
