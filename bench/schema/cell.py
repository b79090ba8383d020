"""What one measurement is of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

MIXED: Final = "mixed"
"""The workload in which some clients let the server compute while others want quick replies."""

PLURALS: Final = {"model": "models", "workload": "workloads", "clients": "clients", "interpreter": "interpreters"}
"""What ``run.json`` calls the values of each part of its cells."""


def parse_workload(name: str) -> tuple[str, int | None]:
    """Return what its server serves, and the number of computing clients: ``mixed`` and 2 of ``mixed+2``."""
    served, plus, clients = name.partition("+")
    return served, int(clients) if plus else None


class Group(NamedTuple):
    """All cells that differ in the interpreter alone."""

    model: str
    workload: str
    clients: int

    @property
    def name(self) -> str:
        """Return ``threaded-cpu-4``."""
        return "-".join(map(str, self))

    @property
    def served(self) -> str:
        """Return what its server serves: ``mixed`` of ``mixed+2``."""
        return parse_workload(self.workload)[0]

    @property
    def computing_clients(self) -> int:
        """Return how many clients let the server compute meanwhile: 2 of ``mixed+2``."""
        return parse_workload(self.workload)[1] or 0


class Cell(NamedTuple):
    """A model with a workload and a number of clients under an interpreter."""

    model: str
    workload: str
    clients: int
    interpreter: str

    @property
    def name(self) -> str:
        """Return ``threaded-cpu-4-3.13``: what people read and type.

        Models, workloads and interpreters may have hyphens themselves: :func:`parse_cell` finds the parts of a name.
        """
        return "-".join(map(str, self))

    @property
    def group(self) -> Group:
        return Group(*self[:3])


def parse_cell(name: str, models: Iterable[str], workloads: Iterable[str]) -> Cell | None:
    """Return the cell that a name stands for, or ``None`` if it is the name of none.

    Args:
        name: as :attr:`Cell.name` writes it, for an interpreter that need not be known.
        models: names of models.
        workloads: names of workloads; a name may have a number of computing clients behind it, as ``mixed+2``.
    """
    for model in sorted(models, key=len, reverse=True):
        rest = name.removeprefix(f"{model}-")
        for workload in sorted(workloads, key=len, reverse=True) if rest != name else ():
            if rest.startswith((f"{workload}-", f"{workload}+")):
                computing, _, others = rest.removeprefix(workload).partition("-")
                clients, _, interpreter = others.partition("-")
                if clients.isdecimal() and interpreter:
                    return Cell(model, f"{workload}{computing}", int(clients), interpreter)
    return None
