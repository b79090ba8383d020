"""Nodes as a file, with the definitions that are referred to."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator
from typing import Final

from bench.report.plots.smaller_svg.nodes import Node
from bench.report.plots.smaller_svg.paths import encode

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def serialise(root: Node, definitions: dict[str, Node], glyphs: set[str]) -> str:
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
    head = _opening_tag(root, short)
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
    parts.append(_opening_tag(node, short))
    if node.path is not None:
        parts.append(f' d="{encode(node.path, 0 if whole else 2)}"')
    if node.children:
        parts.append(">")
        for child in node.children:
            _write(child, short, parts)
        parts.append(f"</{node.tag}>")
    else:
        parts.append("/>")


def _opening_tag(node: Node, short: dict[str, str]) -> str:
    def renamed(value: str) -> str:
        if value.startswith("#") and value[1:] in short:
            return f"#{short[value[1:]]}"
        if value.startswith("url(#"):
            return f"url(#{short[value[5:-1]]})"
        return html.escape(value)

    return f"<{node.tag}" + "".join(f' {name}="{renamed(value)}"' for name, value in node.at.items())
