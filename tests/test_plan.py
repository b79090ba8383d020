"""What is measured, in which order, and for how long."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest

from bench.errors import GilbenchError
from bench.planning.budget import CAP_S, FLOOR_S, Budget
from bench.planning.plan import Cell, Plan

CELLS = tuple(
    Cell(*parts)
    for parts in itertools.product(("serial", "threaded"), ("io", "cpu"), (1, 4), ("3.13", "3.13t", "3.14"))
)


def plan(cells: tuple[Cell, ...] = CELLS, passes: int = 3, budget_s: float = 60.0, seed: int = 7) -> Plan:
    return Plan(cells=cells, passes=passes, budget_s=budget_s, conversation=10, seed=seed)


def test_each_pass_visits_every_cell_once() -> None:
    for pass_ in range(3):
        visited = [cell for (cells,) in plan().order(pass_) for cell in cells]
        assert sorted(visited) == sorted(CELLS)


def test_rounds_of_a_start_visit_every_target_again_in_another_order() -> None:
    several = replace(plan(), rounds=8)
    for rounds in several.order(0):
        assert len(rounds) == 8
        assert all(sorted(cells) == sorted(rounds[0]) for cells in rounds)
        assert len(set(map(tuple, rounds))) > 1
    assert several.windows == 8 * plan().windows


def test_targets_of_a_group_stand_side_by_side() -> None:
    for (group,) in plan().order(0):
        assert len({cell.group for cell in group}) == 1
        assert {cell.target for cell in group} == {"3.13", "3.13t", "3.14"}


def test_the_order_is_random_and_the_seed_repeats_it() -> None:
    orders = [[cell for (cells,) in plan().order(pass_) for cell in cells] for pass_ in range(3)]
    assert orders == [[cell for (cells,) in plan().order(pass_) for cell in cells] for pass_ in range(3)]
    assert orders[0] != orders[1] != orders[2]
    assert orders[0] != [cell for (cells,) in plan(seed=8).order(0) for cell in cells]
    firsts = {next(iter(group)).target for (group,) in plan().order(0)}
    assert len(firsts) > 1


def test_keepalive_refuses_clients_that_would_starve() -> None:
    def keepalive(*cells: Cell) -> Plan:
        return Plan(cells=cells, passes=1, budget_s=60, conversation=None, seed=0)

    with pytest.raises(GilbenchError, match="serial serves 1 client at a time"):
        keepalive(Cell("serial", "io", 2, "3.13"))
    assert keepalive(Cell("serial", "io", 1, "3.13"), Cell("threaded", "io", 8, "3.13")).windows == 2


def test_a_plan_says_what_it_is_made_of() -> None:
    fields = plan().to_dict()
    assert fields["models"] == ["serial", "threaded"]
    assert fields["workloads"] == ["io", "cpu"]
    assert fields["clients"] == [1, 4]
    assert fields["targets"] == ["3.13", "3.13t", "3.14"]
    assert fields["cells"][0] == "serial-io-1-3.13"
    assert (fields["passes"], fields["seed"], fields["conversation"]) == (3, 7, 10)


def test_windows_fill_the_budget() -> None:
    budget = Budget.start(plan(), start_and_stop_s=0.3)
    whole_s = plan().windows * (budget.window_s(0) + budget.overhead_s)
    assert 45 < whole_s < 60
    assert budget.window_s(0) > FLOOR_S


def test_a_large_budget_does_not_stretch_a_window_for_ever() -> None:
    assert Budget.start(plan(budget_s=86_400), 0.3).window_s(0) == CAP_S


def test_the_smallest_budget_that_would_do_is_told_and_does() -> None:
    with pytest.raises(GilbenchError, match="do not fit") as refused:
        Budget.start(plan(budget_s=20), 0.3)
    told_s = int(str(refused.value).split("--budget ")[2].split("s")[0])
    assert 20 < told_s < 120
    assert Budget.start(plan(budget_s=told_s), 0.3).window_s(0) >= FLOOR_S


def test_time_lost_shortens_what_is_left() -> None:
    budget = Budget.start(plan(), 0.3)
    at_first_s = budget.window_s(0)
    budget.began_s = time.monotonic() - 30  # half of the budget gone, a third of the windows done
    budget.learn(windows_done=24, in_windows_s=24 * at_first_s)
    assert FLOOR_S <= budget.window_s(24) < at_first_s
    budget.began_s -= 60
    assert budget.window_s(24) == FLOOR_S
