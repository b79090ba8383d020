"""A cell: the subject of one measurement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

MIXED: Final = "mixed"
"""The workload in which some clients make the server compute while others want quick replies."""

PLURALS: Final = {"model": "models", "workload": "workloads", "clients": "clients", "interpreter": "interpreters"}
"""Names in ``run.json`` of the values of each part of its cells."""


def parse_workload(name: str) -> tuple[str, int | None]:
    """Return what the server serves, and the number of computing clients: ``mixed`` and 2 for ``mixed+2``."""
    served, plus, clients = name.partition("+")
    return served, int(clients) if plus else None


class Group(NamedTuple):
    """All cells that differ only in the interpreter."""

    model: str
    workload: str
    clients: int

    @property
    def name(self) -> str:
        """Return the name, such as ``threaded-cpu-4``."""
        return "-".join(map(str, self))

    @property
    def served(self) -> str:
        """Return what its server serves: ``mixed`` for ``mixed+2``."""
        return parse_workload(self.workload)[0]

    @property
    def computing_clients(self) -> int:
        """Return how many clients make the server compute: 2 for ``mixed+2``."""
        return parse_workload(self.workload)[1] or 0


class Cell(NamedTuple):
    """A model with a workload and a number of clients under an interpreter."""

    model: str
    workload: str
    clients: int
    interpreter: str

    @property
    def name(self) -> str:
        """Return the name that people read and type, such as ``threaded-cpu-4-3.13``.

        Models, workloads and interpreters may contain hyphens themselves: :func:`parse_cell` finds the parts of a name.
        """
        return "-".join(map(str, self))

    @property
    def group(self) -> Group:
        return Group(*self[:3])


def parse_cell(name: str, models: Iterable[str], workloads: Iterable[str]) -> Cell | None:
    """Return the cell with a name, or ``None`` if it is not the name of a cell.

    Args:
        name: as :attr:`Cell.name` writes it, for an interpreter that need not be known.
        models: names of models.
        workloads: names of workloads; a number of computing clients may follow a name, as in ``mixed+2``.
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
