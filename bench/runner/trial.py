"""Trying servers that people deploy before anything is planned for them: what cannot run is a gap, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from bench.errors import GilbenchError
from bench.interpreters.environments import CannotPrepare
from bench.interpreters.interpreter import Interpreter
from bench.runner.server import Server
from bench.schema.plan import Plan
from bench.schema.run_meta import Deployed, Gap
from servers.deployed import DEPLOYED


class Trial(NamedTuple):
    """What was found by trying.

    Attributes:
        plan: the plan without the cells that cannot be measured.
        gaps: what cannot run, and why.
        deployed: what each of the others is, by server and interpreter.
    """

    plan: Plan
    gaps: tuple[Gap, ...]
    deployed: dict[str, dict[str, Deployed]]

    @property
    def pools(self) -> dict[str, dict[str, int]]:
        """Return the number of workers of each server, under each interpreter."""
        return {
            model: sizes
            for model, found in self.deployed.items()
            if (sizes := {name: one.workers for name, one in found.items() if one.workers is not None})
        }


def try_servers(plan: Plan, interpreters: Mapping[str, Interpreter]) -> Trial:
    """Start each deployed server of a plan once under each interpreter, with the first of its workloads.

    Raises:
        GilbenchError: none of the plan's cells can be measured; the message has the first reason.
    """
    gaps: list[Gap] = []
    deployed: dict[str, dict[str, Deployed]] = {}
    first = {(cell.model, cell.interpreter): cell for cell in reversed(plan.cells) if cell.model in DEPLOYED}
    for (model, name), cell in sorted(first.items()):
        try:
            deployed.setdefault(model, {})[name] = _try(interpreters[name], model, plan.serves(cell), plan.path)
        except GilbenchError as exc:
            reason = exc.reason if isinstance(exc, CannotPrepare) else exc
            gaps.append(Gap(name, f"cannot run: {reason}", model=model))
    lost = {(gap.model, gap.interpreter) for gap in gaps}
    cells = tuple(cell for cell in plan.cells if (cell.model, cell.interpreter) not in lost)
    if not cells:
        raise GilbenchError(f"no server can run: {gaps[0]}")
    return Trial(replace(plan, cells=cells), tuple(gaps), deployed)


def _try(interpreter: Interpreter, model: str, workload: str, path: str | None) -> Deployed:
    server = Server(interpreter, model, workload, path=path)
    try:
        server.ready()
        answered = len(server.said["pids"])
        return Deployed(processes=answered or None, workers=server.said["workers"], packages=server.packages)
    finally:
        server.stop()
