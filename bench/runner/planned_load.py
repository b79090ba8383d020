"""What a plan sends to a server, as arguments of :func:`bench.runner.window.measure`."""

from __future__ import annotations

from typing import Any, Final

from bench.schema.cell import Cell
from bench.schema.plan import Plan
from loadgen.protocols import any_line_protocol
from loadgen.varied import expand

_SEEDS: Final = 1 << 31  # of the engine's generator


def planned_load(plan: Plan, cell: Cell) -> dict[str, Any]:
    """Return the requests of a cell: those of the workload, or to the user's handler."""
    load: dict[str, Any] = {"requests_per_connection": plan.requests_per_connection}
    if cell.workload in plan.handlers:
        requests = plan.requests or expand(plan.request, plan.seed)
        load["protocol"] = any_line_protocol([request.encode() for request in requests])
        load |= {"order": plan.request_order, "seed": plan.seed % _SEEDS}
    return load
