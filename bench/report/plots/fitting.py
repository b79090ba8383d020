"""Rows that fit into a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.schema.cell import Group

MOST_ROWS: Final = 64


def fitting(groups: Sequence[Group]) -> tuple[list[Group], str]:
    """Return the groups that fit, and a note: all, or for each model and workload the one with the most clients."""
    if len(groups) <= MOST_ROWS:
        return list(groups), ""
    most: dict[tuple[str, str], int] = {}
    for group in groups:
        most[group.model, group.workload] = max(most.get((group.model, group.workload), 0), group.clients)
    kept = [group for group in groups if group.clients == most[group.model, group.workload]][:MOST_ROWS]
    return kept, f"; shown: {len(kept)} of {len(groups)} cells, those with the most clients"
