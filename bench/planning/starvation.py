"""Refusal of plans in which a client would never be served."""

from __future__ import annotations

from bench.errors import InvalidInput
from bench.interpreters import affinity
from bench.schema.plan import Plan
from servers.deployed import EVERY


def refuse_starvation(plan: Plan) -> None:
    """Check that every client of every cell is served.

    Raises:
        InvalidInput: a model would never serve some of a cell's clients.
    """
    if plan.requests_per_connection is not None:
        return
    for cell in plan.cells:
        at_once = EVERY[cell.model].clients_at_once(affinity.pool_size(plan.cpus.get(cell.interpreter)))
        if at_once is not None and cell.clients > at_once:
            served = "1 client" if at_once == 1 else f"{at_once} clients"
            raise InvalidInput(
                f"{cell.model} serves {served} at a time: with --requests-per-connection keep-alive the others of "
                f"{cell.clients} would wait forever: leave out {cell.model}, or use --requests-per-connection 10"
            )
