"""An SVG as Matplotlib writes it becomes a fraction as large and looks the same.

It has six decimals, a style for each element, groups and comments for each artist, and spells out
each text glyph by glyph. Here coordinates have hundredths of a point, a text that is met again is drawn once and
referred to, colours are attributes (which a page can replace), and what draws nothing is gone. Only what Matplotlib
writes is understood, which is a small part of SVG: svgo would need Node, and scour has had no release since 2021.
"""

from __future__ import annotations

import html
import itertools
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

BLACK: Final = "#000000"  # what Matplotlib leaves out
STROKE: Final = 2  # commands of a straight line
FEWEST: Final = 2  # neighbours that become one
GLYPH: Final = 4  # units of a glyph's outline in a hundredth of its size
_NUMBER: Final = re.compile(r"-?\d*\.?\d+(?:e[-+]?\d+)?")
_TOKEN: Final = re.compile(r"[A-Za-z]|-?\d*\.?\d+(?:e[-+]?\d+)?")
_TAKES: Final = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}
_DEFAULTS: Final = {
    "stroke-dashoffset": "0",
    "opacity": "1",
    "fill-opacity": "1",
    "stroke-opacity": "1",
    "stroke-linejoin": "round",  # said once, at the root
    "stroke-linecap": "butt",
    "fill-rule": "nonzero",
}
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

Path = list[tuple[str, list[float]]]
"""Commands, each with its absolute coordinates."""


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


def smaller(text: str, description: str = "") -> str:
    """Return an SVG of Matplotlib's in fewer bytes, described for those who do not see it.

    Args:
        text: the whole file.
        description: goes into its ``aria-label``.
    """
    definitions: dict[str, Node] = {}
    root = _read(ET.fromstring(text), definitions)  # noqa: S314 - our own file
    glyphs = {name for name, node in definitions.items() if node.at.get("transform", "").startswith("scale(0.0156")}
    _write_texts(root, definitions, glyphs)
    _place_markers(root, definitions, glyphs)
    _unclip(root, definitions)
    _tidy(root, definitions)
    for node in itertools.chain(root.walk(), *(one.walk() for one in definitions.values())):
        if node.at.get("fill") == "none":
            del node.at["fill"]  # said once, at the root
    size = {name: root.at[name] for name in ("width", "height", "viewBox")}
    root.at = {"xmlns": "http://www.w3.org/2000/svg", **size, "fill": "none", "stroke-linejoin": "round", "role": "img"}
    root.at["aria-label"] = description
    return _written(root, definitions, glyphs)


# What is read.


def _read(element: ET.Element, definitions: dict[str, Node]) -> Node:
    """Return an element as a node; what stands in ``defs`` goes into the definitions instead."""
    node = Node(_local(element.tag), _attributes(element), [])
    for child in element:
        tag = _local(child.tag)
        if tag == "defs":
            for one in child:
                if _local(one.tag) != "style":
                    read = _read(one, definitions)
                    definitions[read.at.pop("id")] = read
        elif tag != "metadata":
            node.children.append(_read(child, definitions))
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


def parse(d: str) -> Path:
    """Return a path's commands."""
    tokens = _TOKEN.findall(d)
    path: Path = []
    at = 0
    while at < len(tokens):
        takes = _TAKES[tokens[at]]
        path.append((tokens[at], list(map(float, tokens[at + 1 : at + 1 + takes]))))
        at += 1 + takes
    return path


# What is changed.


def _write_texts(root: Node, definitions: dict[str, Node], glyphs: set[str]) -> None:
    """Make each text one reference, to a definition of its own where it is met again."""
    texts = [
        node
        for node in root.walk()
        if node.children and all(one.at.get("href", "")[1:] in glyphs for one in node.children)
    ]
    runs = [tuple((one.at["href"], _shift(one)) for one in node.children) for node in texts]
    counted = Counter(runs)
    names: dict[tuple[tuple[str, int], ...], str] = {}
    for node, run in zip(texts, runs, strict=True):
        node.at.setdefault("fill", BLACK)
        move, turn, size = (_numbers(node.at.get("transform", ""), what) for what in ("translate", "rotate", "scale"))
        at = f"translate({' '.join(map(_short, move))})" + (f"rotate({_short(turn[0])})" if turn else "")
        node.at["transform"] = f"{at}scale({_short(size[0] / GLYPH, 5)})"
        placed = [Node("use", {"href": href} | ({"x": str(x)} if x else {}), []) for href, x in run]
        if len(run) == 1:
            node.tag, node.children = "use", []
            node.at["href"] = run[0][0]
        elif counted[run] > 1:
            if run not in names:
                names[run] = f"text-{len(names)}"
                definitions[names[run]] = Node("g", {}, placed)
            node.tag, node.children = "use", []
            node.at["href"] = f"#{names[run]}"
        else:
            node.children = placed
    for name in glyphs:
        outline = definitions[name]
        del outline.at["transform"]
        outline.path = [
            (command, [value / 64 * GLYPH * (1, -1)[n % 2] for n, value in enumerate(values)])
            for command, values in outline.path or []
        ]


def _shift(glyph: Node) -> int:
    found = _numbers(glyph.at.get("transform", ""), "translate")
    return round(found[0] * GLYPH) if found else 0


def _numbers(transform: str, what: str) -> list[float]:
    found = re.search(rf"{what}\(([^)]*)\)", transform)
    return list(map(float, _NUMBER.findall(found.group(1)))) if found else []


def _place_markers(root: Node, definitions: dict[str, Node], glyphs: set[str]) -> None:
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
    looks = []
    for one in placed:
        look = {key: value for key, value in one.at.items() if key not in _PLACE | marker.at.keys()}
        looks.append(look if "fill" in marker.at else {"fill": BLACK} | look)
    alike = all(look == looks[0] for look in looks)
    if alike:
        marker.at |= looks[0]
    for one, look in zip(placed, looks, strict=True):
        x, y = float(one.at.get("x", 0)), float(one.at.get("y", 0))
        if len(placed) == 1:
            one.tag, one.at, one.path = "path", dict(marker.at), _moved(marker.path or [], x, y)
            _no_fill(one)
        else:
            one.at = {"href": f"#{name}", "x": _short(x), "y": _short(y)} | ({} if alike else look)


_PLACE: Final = {"href", "x", "y"}


def _no_fill(node: Node) -> None:
    """Say of a straight line that it is not filled, so that it is like others of its colour."""
    if node.path is not None and len(node.path) <= STROKE:
        node.at["fill"] = "none"


def _unclip(root: Node, definitions: dict[str, Node]) -> None:
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


def _tidy(node: Node, definitions: dict[str, Node]) -> None:
    """Drop what draws nothing and groups that say nothing, and draw neighbours that look alike by one path."""
    kept: list[Node] = []
    for child in node.children:
        _tidy(child, definitions)
        child.at.pop("id", None)
        if child.path is not None and not _drawn(child):
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
    for child in _joined_strokes(kept, definitions):
        last = node.children[-1] if node.children else None
        if last is not None and last.path and child.path and last.at == child.at and _may_join(child):
            last.path = [*last.path, *child.path]
        else:
            node.children.append(child)


def _joined_strokes(nodes: Sequence[Node], definitions: dict[str, Node]) -> Iterator[Node]:
    """Yield nodes, neighbours that use the same small stroke (a tick, the end of a bar) as one path."""
    for name, run in itertools.groupby(
        nodes, lambda node: node.at.get("href", "")[1:] if node.at.keys() == _PLACE else ""
    ):
        same = list(run)
        marker = definitions.get(name)
        if marker is None or marker.path is None or len(same) < FEWEST or len(marker.path) > STROKE:
            yield from same
            continue
        path = [moved for one in same for moved in _moved(marker.path, float(one.at["x"]), float(one.at["y"]))]
        yield Node("path", {**marker.at, "fill": "none"}, [], path)


def _moved(path: Path, x: float, y: float) -> Path:
    return [(command, [value + (x, y)[n % 2] for n, value in enumerate(values)]) for command, values in path]


def _may_be_one(group: Node, only: Node) -> bool:
    """Tell whether what a group says can stand in its only element: what cuts counts in that one's coordinates."""
    moved = only.tag == "use" or "transform" in only.at
    return not group.at.keys() & only.at.keys() and not ("clip-path" in group.at and moved)


def _drawn(node: Node) -> bool:
    """Tell whether a path leaves a trace."""
    filled, drawn = (node.at.get(name, "none") != "none" for name in ("fill", "stroke"))
    return bool(node.path) and (filled or drawn) and node.at.get("opacity") != "0"


def _may_join(node: Node) -> bool:
    """Tell whether two such paths look the same as one: neither is seen through the other, nor fills its holes."""
    at = node.at
    through = any("opacity" in name for name in at)
    return not through and ((at.get("fill") == "none") != ("stroke" not in at)) and "transform" not in at


# What is written.


def _written(root: Node, definitions: dict[str, Node], glyphs: set[str]) -> str:
    """Return the file, with the definitions that are referred to, under names as short as can be."""
    order: dict[str, None] = {}

    def refer(node: Node) -> None:
        for one in node.walk():
            for value in one.at.values():
                for name in re.findall(r"^#(.+)$|^url\(#(.+)\)$", value):
                    known = name[0] or name[1]
                    if known in definitions and known not in order:
                        order[known] = None
                        refer(definitions[known])

    refer(root)
    short = dict(zip(order, _names(), strict=False))
    parts: list[str] = []
    head = _opened(root, short)
    for name in order:
        node = definitions[name]
        node.at = {"id": short[name]} | node.at
        _write(node, short, parts, whole=name in glyphs)
    defined = f"<defs>{''.join(parts)}</defs>" if parts else ""
    parts = []
    for child in root.children:
        _write(child, short, parts)
    return f"{head}>{defined}{''.join(parts)}</svg>\n"


def _names() -> Iterator[str]:
    for length in itertools.count(1):
        yield from map("".join, itertools.product(_LETTERS, repeat=length))


def _write(node: Node, short: dict[str, str], parts: list[str], *, whole: bool = False) -> None:
    parts.append(_opened(node, short))
    if node.path is not None:
        parts.append(f' d="{encode(node.path, 0 if whole else 2)}"')
    if node.children:
        parts.append(">")
        for child in node.children:
            _write(child, short, parts)
        parts.append(f"</{node.tag}>")
    else:
        parts.append("/>")


def _opened(node: Node, short: dict[str, str]) -> str:
    def renamed(value: str) -> str:
        if value.startswith("#") and value[1:] in short:
            return f"#{short[value[1:]]}"
        if value.startswith("url(#"):
            return f"url(#{short[value[5:-1]]})"
        return html.escape(value)

    return f"<{node.tag}" + "".join(f' {name}="{renamed(value)}"' for name, value in node.at.items())


def encode(path: Path, digits: int) -> str:
    """Return a path with so many decimals, each command absolute or relative, whichever is shorter.

    Distances are those between rounded places, so that errors do not add up.
    """
    scale = 10**digits
    out: list[str] = []
    here, start, last = (0, 0), (0, 0), ""
    for command, values in path:
        if command == "z":
            out.append("z")
            here, last = start, "z"
            continue
        whole = [round(value * scale) for value in values]
        if command == "L" and (whole[0], whole[1]) == here and last not in "Mm":
            continue
        letter, absolute, relative = command, whole, [v - here[n % 2] for n, v in enumerate(whole)]
        if command == "L" and not all(relative):
            side = 1 if relative[0] == 0 else 0
            letter, absolute, relative = "HV"[side], [whole[side]], [relative[side]]
        tried = [
            _command(name, numbers, last, digits) for name, numbers in ((letter, absolute), (letter.lower(), relative))
        ]
        best = min(tried, key=len)
        last = letter if best is tried[0] else letter.lower()
        out.append(best)
        here = (whole[-2], whole[-1])
        if command == "M":
            start = here
    return "".join(out)


def _command(letter: str, numbers: Iterable[int], last: str, digits: int) -> str:
    # A line that follows a move, and a command that follows itself, need no letter.
    goes_on = letter == last or (letter, last) in {("L", "M"), ("l", "m")}
    text = "" if goes_on and letter not in "Mm" else letter
    for number in numbers:
        told = _short(number / 10**digits, digits)
        text += told if text[-1:].isalpha() or told.startswith("-") else f" {told}"
    return text


def _short(value: float, digits: int = 2) -> str:
    """Write a number without what means nothing."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    text = text[1:] if text.startswith("0.") else text
    return sign + text if text != "0" else "0"
