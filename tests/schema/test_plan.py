"""Plan, which sets what is measured and in which order, and Budget, which sets for how long, on a simulated clock."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.errors import GilbenchError
from bench.planning import budget as budgets
from bench.planning.budget import CAP_S, FLOOR_S, Budget
from bench.planning.starvation import refuse_starvation
from bench.schema.cell import Cell
from bench.schema.plan import Plan

CELLS = tuple(
    Cell(*parts)
    for parts in itertools.product(("serial", "threaded"), ("io", "cpu"), (1, 4), ("3.13", "3.13t", "3.14"))
)


def plan(cells: tuple[Cell, ...] = CELLS, passes: int = 3, budget_s: float = 60.0, seed: int = 7) -> Plan:
    return Plan(cells=cells, passes=passes, budget_s=budget_s, requests_per_connection=10, seed=seed)


def test_plan_visits_every_cell_once_in_each_pass() -> None:
    for pass_ in range(3):
        visited = [cell for (cells,) in plan().order(pass_) for cell in cells]
        assert sorted(visited) == sorted(CELLS)


def test_plan_visits_every_interpreter_in_each_round_in_another_order() -> None:
    several = replace(plan(), rounds=8)
    for rounds in several.order(0):
        assert len(rounds) == 8
        assert all(sorted(cells) == sorted(rounds[0]) for cells in rounds)
        assert len(set(map(tuple, rounds))) > 1
    assert several.windows == 8 * plan().windows


def test_plan_keeps_the_interpreters_of_a_group_together() -> None:
    for (group,) in plan().order(0):
        assert len({cell.group for cell in group}) == 1
        assert {cell.interpreter for cell in group} == {"3.13", "3.13t", "3.14"}


def test_plan_orders_by_chance_and_the_seed_repeats_it() -> None:
    orders = [[cell for (cells,) in plan().order(pass_) for cell in cells] for pass_ in range(3)]
    assert orders == [[cell for (cells,) in plan().order(pass_) for cell in cells] for pass_ in range(3)]
    assert orders[0] != orders[1] != orders[2]
    assert orders[0] != [cell for (cells,) in plan(seed=8).order(0) for cell in cells]
    firsts = {next(iter(group)).interpreter for (group,) in plan().order(0)}
    assert len(firsts) > 1


def test_plan_is_read_back_from_its_json() -> None:
    pinned = Cell("thread-pool", "mixed+2", 2, "3.13+cpus=2")
    written = replace(
        plan((*reversed(CELLS[:5]), pinned)),
        cpus={"3.13+cpus=2": 2},
        generator_cpus=(2, 3),
        handlers={"price": "shop.py:price"},
        window_s=0.1234567891234,
        precision=0.01,
    )
    assert Plan.from_dict(json.loads(json.dumps(written.to_dict()))) == written


@pytest.mark.parametrize("lost", ["cells", "models", "clients", "seed"])
def test_plan_is_not_read_from_json_that_lacks_what_it_needs(lost: str) -> None:
    raw = plan().to_dict()
    del raw[lost]
    with pytest.raises((LookupError, TypeError, ValueError)):
        Plan.from_dict(raw)


def test_refuse_starvation_refuses_clients_that_would_starve_with_keep_alive() -> None:
    def keep_alive(*cells: Cell) -> Plan:
        return Plan(cells=cells, passes=1, budget_s=60, requests_per_connection=None, seed=0)

    with pytest.raises(GilbenchError, match="serial serves 1 client at a time"):
        refuse_starvation(keep_alive(Cell("serial", "io", 2, "3.13")))
    refuse_starvation(keep_alive(Cell("serial", "io", 1, "3.13"), Cell("threaded", "io", 8, "3.13")))


def test_plan_describes_itself_for_run_json() -> None:
    fields = plan().to_dict()
    assert fields["models"] == ["serial", "threaded"]
    assert fields["workloads"] == ["io", "cpu"]
    assert fields["clients"] == [1, 4]
    assert fields["interpreters"] == ["3.13", "3.13t", "3.14"]
    assert fields["cells"][0] == "serial-io-1-3.13"
    assert (fields["passes"], fields["seed"], fields["requests_per_connection"]) == (3, 7, 10)


class Clock:
    """A clock that the test moves."""

    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(budgets, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def test_budget_fills_its_time_with_windows(clock: Clock) -> None:
    budget = Budget.start(plan(), start_and_stop_s=0.3)
    assert plan().windows * (budget.window_s(0) + budget.overhead_s) == pytest.approx(60 - budget.drawing_s)
    assert budget.window_s(0) > FLOOR_S


def test_budget_keeps_windows_short_however_large_it_is(clock: Clock) -> None:
    assert Budget.start(plan(budget_s=86_400), 0.3).window_s(0) == CAP_S


def test_budget_names_the_smallest_that_would_do(clock: Clock) -> None:
    with pytest.raises(GilbenchError, match="do not fit") as refused:
        Budget.start(plan(budget_s=20), 0.3)
    told_s = int(str(refused.value).split("--budget ")[2].split("s")[0])
    assert 20 < told_s < 120
    assert Budget.start(plan(budget_s=told_s), 0.3).window_s(0) >= FLOOR_S


def test_budget_shortens_the_windows_that_are_left_by_the_time_lost(clock: Clock) -> None:
    budget = Budget.start(plan(), 0.3)
    first_s = budget.window_s(0)
    clock.now_s += 20  # a third of the windows is done
    budget.learn(windows_done=24, in_windows_s=24 * first_s)
    assert budget.overhead_s == pytest.approx((20 - 24 * first_s) / 24)
    assert budget.window_s(24) == pytest.approx((60 - budget.drawing_s - 20) / 48 - budget.overhead_s)
    clock.now_s += 60
    assert budget.window_s(24) == FLOOR_S


@pytest.mark.parametrize("overhead_s", [0.05, 0.19, 0.6])
def test_budget_is_met_whatever_windows_cost(clock: Clock, overhead_s: float) -> None:
    budget = Budget.start(plan(budget_s=120), 0.3)
    began_s, in_windows_s = clock.now_s, 0.0
    for pass_ in range(3):
        window_s = budget.window_s(pass_ * 24)
        in_windows_s += 24 * window_s
        clock.now_s += 24 * (window_s + overhead_s)
        budget.learn((pass_ + 1) * 24, in_windows_s)
    assert clock.now_s - began_s == pytest.approx(120 - budget.drawing_s)


def test_budget_counts_what_an_interrupted_run_has_used(clock: Clock) -> None:
    fresh, resumed = Budget.start(plan(), 0.3), Budget.planned(plan(), 0.3, used_s=20)
    assert resumed.window_s(24) < fresh.window_s(24)
    assert resumed.used == pytest.approx(20 / (60 - resumed.drawing_s))
    clock.now_s += 60 - resumed.drawing_s - 20 + 1e-6
    assert resumed.spent
    assert not fresh.spent


def test_budget_makes_as_many_passes_at_a_precision_as_there_is_time_for(clock: Clock) -> None:
    precise = replace(plan(budget_s=600), precision=0.01, window_s=0.1, rounds=7)
    budget = Budget.start(precise, 0.3)
    pass_s = 24 * 7 * (budget.overhead_s + 0.1)
    assert budget.passes * pass_s <= 600 - budget.drawing_s < (budget.passes + 1) * pass_s
    clock.now_s += 590
    assert budget.window_s(24) == 0.1  # shorter windows would change the precision
