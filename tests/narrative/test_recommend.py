"""Recommendations from runs with synthetic records."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.narrative.recommend import Recommendation, recommendations
from tests.support.made import Made


def best(made: Made, tmp_path: Path, objective: str = "throughput") -> dict[str, Recommendation]:
    made.meta = {"plan": {"objective": objective}}
    run = made.load(tmp_path)
    return {one.workload: one for one in recommendations(run)}


def test_recommendations_name_the_fastest_measured_cell(tmp_path: Path) -> None:
    made = Made(noise=0.001)
    found = best(made, tmp_path)
    rates = {(r.model, r.workload, r.clients, r.interpreter): r.throughput_rps for r in made.records() if r.pass_ == 0}
    for workload, one in found.items():
        most = max((cell for cell in rates if cell[1] == workload and cell[2] == 8), key=rates.__getitem__)
        assert one.best is not None
        assert rates[one.best] == pytest.approx(rates[most], rel=0.01)
    assert found["cpu"].best == ("multiprocess", "cpu", 8, "3.13")
    assert "the next" in found["cpu"].says
    assert (
        "waiting for the GIL"
        in best(Made(interpreters=["3.13"], models=["serial", "threaded"]), tmp_path / "2")["cpu"].says
    )


def test_recommendations_name_cells_that_are_tied_with_the_best(tmp_path: Path) -> None:
    said = best(Made(), tmp_path)["io"].says
    assert "tied with it: " in said
    assert "serial" not in said.partition("the next")[0]


def test_recommendations_compare_nothing_after_one_pass(tmp_path: Path) -> None:
    said = best(Made(passes=1), tmp_path)["cpu"].says
    assert "(one pass)" in said
    assert "the next" not in said


def test_recommendations_leave_out_cells_beyond_a_latency_bound(tmp_path: Path) -> None:
    free = best(Made(noise=0), tmp_path / "1")["cpu"].best
    bounded = best(Made(noise=0), tmp_path / "2", "p99<1us")["cpu"]
    assert free is not None
    assert bounded.best is None
    assert "the lowest is" in bounded.says
    assert best(Made(noise=0), tmp_path / "3", "p99<1s")["cpu"].best == free


def test_recommendations_accept_cpu_and_memory_as_objectives(tmp_path: Path) -> None:
    assert "µs of CPU per request" in best(Made(), tmp_path / "1", "cpu")["cpu"].says
    assert "19.1 MiB of memory" in best(Made(), tmp_path / "2", "memory")["cpu"].says
