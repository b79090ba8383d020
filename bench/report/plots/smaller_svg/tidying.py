"""What draws nothing goes, and what looks alike is drawn by one path."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.plots.smaller_svg.markers import joined_strokes
from bench.report.plots.smaller_svg.nodes import Node


def unclip(root: Node, definitions: dict[str, Node]) -> None:
    """Cut off nothing where there is nothing to cut."""
    for node in root.walk():
        clip = definitions.get(node.at.get("clip-path", "")[5:-1])
        if clip is None:
            continue
        x, y, width, height = (float(clip.children[0].at.get(name, "nan")) for name in ("x", "y", "width", "height"))
        if any("transform" in one.at for one in node.walk()):
            continue
        points = list(_points(node))
        if all(x - 0.1 <= px <= x + width + 0.1 and y - 0.1 <= py <= y + height + 0.1 for px, py in points):
            del node.at["clip-path"]


def _points(node: Node) -> Iterator[tuple[float, float]]:
    for one in node.walk():
        if one.path is not None:
            for _, values in one.path:
                yield from zip(values[::2], values[1::2], strict=True)
        elif "x" in one.at:
            yield float(one.at["x"]), float(one.at["y"])


def tidy(node: Node, definitions: dict[str, Node]) -> None:
    """Drop what draws nothing and groups that say nothing, and draw neighbours that look alike by one path."""
    kept: list[Node] = []
    for child in node.children:
        tidy(child, definitions)
        child.at.pop("id", None)
        if child.path is not None and not _is_drawn(child):
            continue
        if child.tag == "g" and not (child.at and child.children):
            kept += child.children
        elif child.tag == "g" and len(child.children) == 1 and _may_be_one(child, child.children[0]):
            (only,) = child.children
            only.at |= child.at
            kept.append(only)
        else:
            kept.append(child)
    node.children = []
    for child in joined_strokes(kept, definitions):
        last = node.children[-1] if node.children else None
        if last is not None and last.path and child.path and last.at == child.at and _may_join(child):
            last.path = [*last.path, *child.path]
        else:
            node.children.append(child)


def _may_be_one(group: Node, only: Node) -> bool:
    """Tell whether what a group says can stand in its only element: what cuts counts in that one's coordinates."""
    moved = only.tag == "use" or "transform" in only.at
    return not group.at.keys() & only.at.keys() and not ("clip-path" in group.at and moved)


def _is_drawn(node: Node) -> bool:
    """Tell whether a path leaves a trace."""
    filled, drawn = (node.at.get(name, "none") != "none" for name in ("fill", "stroke"))
    return bool(node.path) and (filled or drawn) and node.at.get("opacity") != "0"


def _may_join(node: Node) -> bool:
    """Tell whether two such paths look the same as one: neither is seen through the other, nor fills its holes."""
    at = node.at
    through = any("opacity" in name for name in at)
    return not through and ((at.get("fill") == "none") != ("stroke" not in at)) and "transform" not in at
