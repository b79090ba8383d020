"""Flame graphs and their differences: how wide a frame is says how often it was on the stack (Gregg 2016).

Outermost frames on top. Frames are boxes placed in percent, so that texts are cut by the browser and nothing is drawn
twice; a little script, :file:`flame.js`, zooms and searches, and without it the picture still stands. The libraries
that draw these (d3-flame-graph, speedscope) are JavaScript, which this project would have to carry along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bench.analysis.profile.load import Stacks
from bench.analysis.profile.top import merge

NARROWEST: Final = 0.002  # share of the whole below which a box would not be seen
_SURE: Final = 0.005


class Box(NamedTuple):
    """A frame in its place.

    Attributes:
        depth: from 0 on.
        left: share of the whole to its left.
        width: share of the whole.
        name: of the function.
        kind: whose code: "own", "library", "server", "c".
        other: its share in what it is compared with; ``None`` if with nothing.
    """

    depth: int
    left: float
    width: float
    name: str
    kind: str
    other: float | None

    @property
    def change(self) -> float:
        """How many times its share grew, within -1 and 1."""
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
        stacks: whose graph it is.
        baseline: what it is compared with: shares are compared, not numbers.
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
    """Tell whose code a function is, by its file."""
    return next((kind for sign, kind in _SIGNS.items() if sign in name), "library")


_SIGNS: Final[Mapping[str, str]] = {
    "(servers/workloads": "own",
    "(servers/": "server",
    "(/": "own",  # a handler of the user's own lies outside of this project and of all libraries
    "(C)": "c",
}
ORIGINS: Final = {
    "own": "the workload, or a handler of your own",
    "server": "the reference server",
    "library": "Python's library",
    "c": "C code",
}
