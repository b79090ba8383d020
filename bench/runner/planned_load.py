"""What a plan sends to a server, as arguments of :func:`bench.runner.window.measure`."""

from __future__ import annotations

from typing import Any, Final

from bench.schema.cell import Cell
from bench.schema.plan import Plan
from loadgen.protocols import any_line_protocol, http_protocol, http_request
from loadgen.varied import expand
from servers.deployed import EVERY

_HOST: Final = "localhost"
_SEEDS: Final = 1 << 31  # of the engine's generator


def planned_load(plan: Plan, cell: Cell) -> dict[str, Any]:
    """Return the requests of a cell: those of the workload, or to the user's handler."""
    load: dict[str, Any] = {"requests_per_connection": plan.requests_per_connection}
    http = bool(EVERY[cell.model].interface)
    if cell.workload in plan.handlers and plan.path is None:
        requests = [request.encode() for request in plan.requests or expand(plan.request, plan.seed)]
        load["protocol"] = http_protocol(list(map(_post, requests))) if http else any_line_protocol(requests)
        load |= {"order": plan.request_order, "seed": plan.seed % _SEEDS}
    elif http:
        load["protocol"] = http_protocol([http_request.request(_HOST, plan.path or "/")])
    return load


def _post(body: bytes) -> bytes:
    return http_request.request(_HOST, method="POST", body=body)
