"""Markers and ticks: what is drawn again and again at other places."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from bench.report.plots.smaller_svg.nodes import BLACK, Node
from bench.report.plots.smaller_svg.paths import move, short

STROKE: Final = 2  # commands of a straight line
FEWEST: Final = 2  # neighbours that become one
_PLACE: Final = {"href", "x", "y"}


def place_markers(root: Node, definitions: dict[str, Node], glyphs: set[str]) -> None:
    """Give a marker's definition what all its uses say of it; what is used once is drawn where it is used."""
    uses: dict[str, list[Node]] = {}
    for node in root.walk():
        name = node.at.get("href", "")[1:]
        if node.tag == "use" and name in definitions and name not in glyphs and definitions[name].path is not None:
            uses.setdefault(name, []).append(node)
        elif node.path is not None:
            node.at.setdefault("fill", BLACK)
            _no_fill(node)
    for name, placed in uses.items():
        _place(name, definitions[name], placed)


def _place(name: str, marker: Node, placed: Sequence[Node]) -> None:
    appearances = []
    for one in placed:
        appearance = {key: value for key, value in one.at.items() if key not in _PLACE | marker.at.keys()}
        appearances.append(appearance if "fill" in marker.at else {"fill": BLACK} | appearance)
    alike = all(appearance == appearances[0] for appearance in appearances)
    if alike:
        marker.at |= appearances[0]
    for one, appearance in zip(placed, appearances, strict=True):
        x, y = float(one.at.get("x", 0)), float(one.at.get("y", 0))
        if len(placed) == 1:
            one.tag, one.at, one.path = "path", dict(marker.at), move(marker.path or [], x, y)
            _no_fill(one)
        else:
            one.at = {"href": f"#{name}", "x": short(x), "y": short(y)} | ({} if alike else appearance)


def _no_fill(node: Node) -> None:
    """Say of a straight line that it is not filled, so that it is like others of its colour."""
    if node.path is not None and len(node.path) <= STROKE:
        node.at["fill"] = "none"


def joined_strokes(nodes: Sequence[Node], definitions: dict[str, Node]) -> Iterator[Node]:
    """Yield nodes, neighbours that use the same small stroke (a tick, the end of a bar) as one path."""
    for name, run in itertools.groupby(
        nodes, lambda node: node.at.get("href", "")[1:] if node.at.keys() == _PLACE else ""
    ):
        same = list(run)
        marker = definitions.get(name)
        if marker is None or marker.path is None or len(same) < FEWEST or len(marker.path) > STROKE:
            yield from same
            continue
        path = [step for one in same for step in move(marker.path, float(one.at["x"]), float(one.at["y"]))]
        yield Node("path", {**marker.at, "fill": "none"}, [], path)
