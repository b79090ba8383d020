"""Cells: their names, and the parts of a name."""

from __future__ import annotations

import itertools

import pytest

from bench.schema.cell import Cell, Group, parse_cell
from servers.models import MODELS
from servers.workloads import WORKLOADS


def test_cell_has_a_name_of_all_its_parts_and_a_group_without_the_interpreter() -> None:
    cell = Cell("asyncio-threads", "mixed+2", 4, "3.13t")
    assert cell.name == "asyncio-threads-mixed+2-4-3.13t"
    assert cell.group == Group("asyncio-threads", "mixed+2", 4)
    assert cell.group.name == "asyncio-threads-mixed+2-4"


@pytest.mark.parametrize(
    ("workload", "served", "clients"), [("mixed+2", "mixed", 2), ("mixed+0", "mixed", 0), ("cpu", "cpu", 0)]
)
def test_group_knows_what_is_served_and_how_many_clients_compute(workload: str, served: str, clients: int) -> None:
    group = Group("threaded", workload, 1)
    assert (group.served, group.computing_clients) == (served, clients)


@pytest.mark.parametrize("interpreter", ["3.13", "3.13t+cpus=2", "a-b-4-c", "4"])
def test_parse_cell_returns_what_name_writes(interpreter: str) -> None:
    for model, workload in itertools.product(MODELS, [*WORKLOADS, "mixed+2"]):
        cell = Cell(model, workload, 16, interpreter)
        assert parse_cell(cell.name, MODELS, WORKLOADS) == cell


@pytest.mark.parametrize(
    "name", ["", "threaded", "threaded-cpu", "threaded-cpu-4", "threaded-cpu-4-", "threaded-cpu-x-3", "no-cpu-4-3"]
)
def test_parse_cell_returns_none_for_other_names(name: str) -> None:
    assert parse_cell(name, MODELS, WORKLOADS) is None
