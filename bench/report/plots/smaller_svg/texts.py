"""A text, which Matplotlib spells out glyph by glyph, becomes one reference."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from bench.report.plots.smaller_svg.nodes import BLACK, Node
from bench.report.plots.smaller_svg.paths import short

GLYPH: Final = 4  # units of a glyph's outline in a hundredth of its size
_NUMBER: Final = re.compile(r"-?\d*\.?\d+(?:e[-+]?\d+)?")


def write_texts(root: Node, definitions: dict[str, Node], glyphs: set[str]) -> None:
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
        at = f"translate({' '.join(map(short, move))})" + (f"rotate({short(turn[0])})" if turn else "")
        node.at["transform"] = f"{at}scale({short(size[0] / GLYPH, 5)})"
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
