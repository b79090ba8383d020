"""Elements as nodes, without what means nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Final

from bench.report.plots.smaller_svg.paths import Path, parse

BLACK: Final = "#000000"  # what Matplotlib leaves out
_DEFAULTS: Final = {
    "stroke-dashoffset": "0",
    "opacity": "1",
    "fill-opacity": "1",
    "stroke-opacity": "1",
    "stroke-linejoin": "round",  # said once, at the root
    "stroke-linecap": "butt",
    "fill-rule": "nonzero",
}


class Node:
    """An element: namespaces and styles resolved, its place in the tree its parent's business."""

    __slots__ = ("at", "children", "path", "tag")

    def __init__(self, tag: str, at: dict[str, str], children: list[Node], path: Path | None = None) -> None:
        self.tag = tag
        self.at = at
        self.children = children
        self.path = path

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


def read(element: ET.Element, definitions: dict[str, Node]) -> Node:
    """Return an element as a node; what stands in ``defs`` goes into the definitions instead."""
    node = Node(_local(element.tag), _attributes(element), [])
    for child in element:
        tag = _local(child.tag)
        if tag == "defs":
            for one in child:
                if _local(one.tag) != "style":
                    defined = read(one, definitions)
                    definitions[defined.at.pop("id")] = defined
        elif tag != "metadata":
            node.children.append(read(child, definitions))
    if "d" in node.at:
        node.path = parse(node.at.pop("d"))
    return node


def _attributes(element: ET.Element) -> dict[str, str]:
    at = {_local(name): value for name, value in element.attrib.items() if _local(name) != "style"}
    for part in filter(None, element.get("style", "").split(";")):
        name, _, value = part.partition(":")
        at[name.strip()] = value.strip()
    return {name: value for name, value in at.items() if _DEFAULTS.get(name) != value}


def _local(name: str) -> str:
    return name.rpartition("}")[2]
