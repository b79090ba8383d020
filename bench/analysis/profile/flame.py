"""Flame graphs and their differences: the width of a frame is its share of all samples (Gregg 2016).

Outermost frames are on top. Frames are boxes positioned in percent, so that the browser truncates texts and nothing is
drawn twice; a small script, :file:`flame.js`, zooms and searches, and the graph is complete without it. The libraries
that draw flame graphs (d3-flame-graph, speedscope) are JavaScript, which this project would have to bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bench.analysis.profile.load import Stacks
from bench.analysis.profile.top import merge

NARROWEST: Final = 0.002  # share of the whole below which a box would be invisible
_SURE: Final = 0.005


class Box(NamedTuple):
    """A frame and its position.

    Attributes:
        depth: depth of the stack, from 0.
        left: share of the whole to its left.
        width: share of the whole.
        name: name of the function.
        kind: origin of the code: "own", "library", "server", "c".
        other: its share in the baseline; ``None`` without one.
    """

    depth: int
    left: float
    width: float
    name: str
    kind: str
    other: float | None

    @property
    def change(self) -> float:
        """Change of its share relative to the larger one, from -1 to 1."""
        if self.other is None or abs(self.width - self.other) < _SURE:
            return 0.0
        return max(-1.0, min(1.0, (self.width - self.other) / max(self.width, self.other)))


@dataclass(slots=True)
class _Node:
    share: float = 0.0
    children: dict[str, _Node] = field(default_factory=dict)


def boxes(stacks: Stacks, baseline: Stacks | None = None) -> list[Box]:
    """Return the boxes, the outermost first.

    Args:
        stacks: the stacks to draw.
        baseline: the stacks to compare with: shares are compared, not counts.
    """
    tree = _tree(merge(stacks))
    others = None if baseline is None else _tree(merge(baseline))
    return list(_place(tree, others, 0, 0.0)) if tree.share else []


def _tree(stacks: Stacks) -> _Node:
    """Return the frames as a tree of shares of all samples."""
    root, whole = _Node(), stacks.total()
    for stack, count in sorted(stacks.items()):
        root.share += count / whole
        node = root
        for name in stack:
            node = node.children.setdefault(name, _Node())
            node.share += count / whole
    return root


def _place(node: _Node, other: _Node | None, depth: int, left: float) -> Iterator[Box]:
    """Yield the boxes below a frame, the widest first."""
    for name, child in sorted(node.children.items(), key=lambda item: (-item[1].share, item[0])):
        if child.share < NARROWEST:
            break
        twin = None if other is None else other.children.get(name, _Node())
        yield Box(depth, left, child.share, name, frame_kind(name), None if twin is None else twin.share)
        yield from _place(child, twin, depth + 1, left)
        left += child.share


def frame_kind(name: str) -> str:
    """Return the origin of a function's code, by its file."""
    return next((kind for sign, kind in _SIGNS.items() if sign in name), "library")


_SIGNS: Final[Mapping[str, str]] = {
    "(servers/workloads": "own",
    "(servers/": "server",
    "(/": "own",  # a user handler is outside this project and all libraries
    "(C)": "c",
}
ORIGINS: Final = {
    "own": "the workload, or a user handler",
    "server": "the reference server",
    "library": "Python's library",
    "c": "C code",
}
