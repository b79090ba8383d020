"""Ratios and their intervals, checked by simulation and calculation, and stopping at a precision."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from bench.planning.budget import Budget
from bench.planning.stopping import FEWEST_LAUNCHES, Stopping
from bench.schema.cell import Cell
from bench.schema.plan import Plan
from bench.stats import ratios
from bench.stats.ratios import Ratio
from tests.support.made import Made

BETWEEN, WITHIN, ROUNDS = 0.0046, 0.0184, 4  # threaded, cpu, windows of 100 ms; docs/method.md
TIMES = 1000
NEARLY = 4 * math.sqrt(0.05 * 0.95 / TIMES)  # four standard errors of a share of 0.05


def launches(rng: np.random.Generator, times: int, count: int) -> npt.NDArray[np.float64]:
    """Return the logarithms of simulated launch ratios of a server compared with itself."""
    rounds = WITHIN / 3**0.5 * rng.standard_t(3, (times, count, ROUNDS))  # some of them disturbed
    found: npt.NDArray[np.float64] = rng.normal(0, BETWEEN, (times, count)) + rounds.mean(axis=2)
    return found


def ratio_of(logs: npt.NDArray[np.float64], confidence: float = ratios.CONFIDENCE) -> Ratio:
    found = ratios.ratio_of_logs(logs.tolist(), confidence)
    assert found is not None
    return found


@pytest.mark.parametrize("count", [3, 6, 24])
def test_ratios_cover_the_truth_as_often_as_they_claim(count: int) -> None:
    logs = launches(np.random.default_rng(1), TIMES, count) + math.log(1.03)
    intervals = [ratio_of(each) for each in logs]
    covered = np.mean([one.low <= 1.03 <= one.high for one in intervals])
    assert abs(covered - 0.95) < 0.02
    alarms = np.mean([one.p_value(1.03) < 0.05 for one in intervals])
    assert alarms == pytest.approx(1 - covered, abs=1e-9), "interval and test must agree"


def test_interim_confidence_keeps_the_rate_of_false_alarms() -> None:
    most = 32
    logs = launches(np.random.default_rng(2), TIMES, most)
    analyses = [round(share * most) for share in ratios.INTERIM_SHARES]

    def share_of_alarms(confidence: float) -> float:
        intervals = [[ratio_of(each[:many], confidence) for many in analyses] for each in logs]
        return float(np.mean([any(not one.low <= 1 <= one.high for one in several) for several in intervals]))

    assert share_of_alarms(ratios.interim_confidence()) < 0.05 + NEARLY
    assert share_of_alarms(ratios.CONFIDENCE) > 0.08, "without the correction there are more"


def test_interim_confidence_is_that_of_a_random_walk() -> None:
    steps = np.random.default_rng(3).normal(size=(200_000, 8)).cumsum(axis=1)
    at = np.array([0, 1, 3, 7])
    most = np.abs(steps[:, at] / np.sqrt(at + 1)).max(axis=1)
    bound = -float(np.quantile(-most, 0.05))
    assert bound == pytest.approx(2.4, abs=0.03)
    assert ratios.interim_confidence() == pytest.approx(math.erf(bound / 2**0.5), abs=0.001)


def test_paired_ratio_counts_launches_rather_than_rounds() -> None:
    above = {(start, round_): 1.1 + 0.01 * start for start, round_ in itertools.product(range(4), range(50))}
    found = ratios.paired_ratio(above, dict.fromkeys(above, 1.0))
    assert found is not None
    assert found.launches == 4
    assert found == pytest.approx(ratio_of(np.log([1.1, 1.11, 1.12, 1.13])))


def test_paired_ratio_uses_only_visits_that_both_sides_have() -> None:
    found = ratios.paired_ratio({(0, 0): 2.0, (1, 0): 8.0, (2, 0): 0.0}, {(0, 0): 1.0, (2, 0): 1.0, (3, 0): 1.0})
    assert found is not None
    assert (found.ratio, found.launches) == (2.0, 1)
    assert not found.has_interval
    assert math.isinf(found.precision)
    assert math.isnan(found.p_value())
    assert ratios.paired_ratio({(0, 0): 1.0}, {(1, 0): 1.0}) is None


def test_unpaired_ratio_has_wider_intervals_when_the_machine_drifts() -> None:
    rng = np.random.default_rng(4)
    drift = rng.normal(0, 0.05, 12)
    one, other = drift + rng.normal(0, 0.005, 12), drift + rng.normal(0, 0.005, 12)
    apart = ratios.unpaired_ratio(one.tolist(), other.tolist())
    assert apart is not None
    assert apart.precision > 5 * ratio_of(one - other).precision


def test_unpaired_ratio_covers_the_truth_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(TIMES):
        found = ratios.unpaired_ratio(rng.normal(0.1, 0.03, 6).tolist(), rng.normal(0, 0.01, 9).tolist())
        assert found is not None
        covered += found.low <= math.exp(0.1) <= found.high
    assert abs(covered / TIMES - 0.95) < 0.02


def test_correct_p_values_adjusts_for_several_comparisons() -> None:
    assert ratios.correct_p_values([0.01, 0.04, math.nan, 0.03]) == pytest.approx(
        [0.03, 0.04, math.nan, 0.04], nan_ok=True
    )
    assert ratios.correct_p_values([]) == []


def test_ratio_shows_a_loss_only_beyond_its_bound() -> None:
    found = ratio_of(np.log([0.93, 0.92, 0.94, 0.93, 0.935]))
    assert found.p_of_at_least(0.95) < 0.05 < found.p_of_at_least(0.92)
    assert ratio_of(np.zeros(3)).p_value() == 1.0
    assert ratio_of(np.full(3, 0.5)).p_value() == 0.0


# Stopping.


def plan(**fields: object) -> Plan:
    cells = tuple(
        Cell("threaded", workload, 4, interpreter) for workload in ("cpu", "io") for interpreter in ("3.13", "3.13t")
    )
    settings: dict[str, object] = {"precision": 0.02, "window_s": 0.1, "baseline": "3.13", "budget_s": 100.0}
    return Plan(cells=cells, passes=3, requests_per_connection=10, seed=1, **(settings | fields))  # type: ignore[arg-type]


def stopping(monkeypatch: pytest.MonkeyPatch, chosen: Plan, used: float) -> Stopping:
    """Return the state of a run that has used a share of its time, on a stopped clock."""
    clock = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr("bench.planning.budget.time", clock)
    budget = Budget.start(chosen, 0.1)
    budget.began_s -= used * (chosen.budget_s - budget.drawing_s)
    return Stopping(chosen, budget)


def run(passes: int, noise: float) -> Made:
    return Made(models=("threaded",), workloads=("cpu", "io"), clients=(4,), passes=passes, noise=noise)


def test_stopping_drops_groups_that_are_known_precisely(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = plan()
    quiet, loud = run(8, 0.001).records(), run(8, 0.2).records()
    mixed = [one for one in quiet if one.workload == "io"] + [one for one in loud if one.workload == "cpu"]
    assert [group.workload for group in stopping(monkeypatch, chosen, 0.2).wanted(8, mixed)] == ["cpu"]
    assert stopping(monkeypatch, chosen, 0.2).wanted(8, quiet) == []
    assert stopping(monkeypatch, chosen, 0.999).wanted(8, loud) == chosen.groups
    assert stopping(monkeypatch, chosen, 1.001).wanted(8, loud) == []


def test_stopping_waits_for_its_first_analysis_and_for_enough_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, first = plan(), ratios.INTERIM_SHARES[0]
    assert stopping(monkeypatch, chosen, first - 0.001).wanted(8, run(8, 0.001).records()) == chosen.groups
    assert stopping(monkeypatch, chosen, first + 0.001).wanted(8, run(8, 0.001).records()) == []
    few = run(FEWEST_LAUNCHES - 1, 0.0001).records()
    assert stopping(monkeypatch, chosen, 0.2).wanted(4, few) == chosen.groups


def test_stopping_ends_after_the_passes_without_a_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = stopping(monkeypatch, replace(plan(), precision=None, window_s=None), 2.0)
    assert fixed.wanted(2, []) == plan().groups
    assert fixed.wanted(3, []) == []
