"""Which cells are concluded from while something else used the machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.analysis.disturbance import disturbed_cells, disturbed_share
from bench.analysis.rankings import rankings
from bench.narrative.headlines import headline
from bench.narrative.recommend import recommendations
from bench.schema.cell import Cell
from tests.support.made import Made

MADE = Made(models=("serial", "threaded", "multiprocess"), workloads=("io", "cpu"), clients=(8,), passes=3)
SERIAL, THREADED, FREE, PROCESSES, WAITING = (
    Cell("serial", "cpu", 8, "3.13"),
    Cell("threaded", "cpu", 8, "3.13"),
    Cell("threaded", "cpu", 8, "3.13t"),
    Cell("multiprocess", "cpu", 8, "3.13"),
    Cell("threaded", "io", 8, "3.13"),
)


@pytest.mark.parametrize(
    ("foreign_cores", "out"),
    [
        (0.1, {FREE}),  # 1.57 cores, 0.1 of the load generator and 0.1 leave less than a quarter
        (0.5, {FREE, PROCESSES}),
        (1.0, {FREE, PROCESSES, THREADED, SERIAL}),
        (2.0, {FREE, PROCESSES, THREADED, SERIAL, WAITING}),
    ],
)
def test_disturbed_cells_are_those_that_other_programs_can_have_slowed(
    foreign_cores: float, out: set[Cell], tmp_path: Path
) -> None:
    run = dataclasses.replace(MADE, foreign_cores=foreign_cores, noise=0.0).load(tmp_path)
    found = disturbed_cells(run)
    for cell in (SERIAL, THREADED, FREE, PROCESSES, WAITING):
        assert (cell in found) is (cell in out), cell


def test_disturbed_cells_have_threads_that_queued_for_a_cpu_although_some_were_idle(tmp_path: Path) -> None:
    made = dataclasses.replace(MADE, foreign_cores=0.5)
    assert WAITING not in disturbed_cells(made.load(tmp_path / "1"))
    assert WAITING in disturbed_cells(dataclasses.replace(made, queued=0.2).load(tmp_path / "2"))
    assert WAITING in disturbed_cells(dataclasses.replace(made, accounted=False).load(tmp_path / "unknown"))
    unknown = dataclasses.replace(made, meta={"machine": None})
    assert WAITING in disturbed_cells(unknown.load(tmp_path / "cpus unknown"))


@pytest.mark.parametrize("code", ["steal", "throttled", "cpu_quota", "paging", "clock", "edges_late"])
def test_disturbed_share_counts_what_can_change_any_figure(code: str, tmp_path: Path) -> None:
    hit = [{"code": code, "share": 0.5}]
    run = dataclasses.replace(MADE, warnings=lambda model, *_: hit if model == "serial" else []).load(tmp_path)
    assert disturbed_share(run) == pytest.approx(1 / 3)
    assert {cell.model for cell in disturbed_cells(run)} == {"serial"}


def test_recommendations_name_no_winner_behind_a_disturbed_cell(tmp_path: Path) -> None:
    """What was slowed and is ahead all the same would be further ahead on a quiet machine."""
    hit = [{"code": "steal", "share": 0.5}]
    made = dataclasses.replace(MADE, warnings=lambda model, *_: hit if model != "serial" else [])
    found = {one.workload: one for one in recommendations(made.load(tmp_path))}
    assert found["io"].best is None
    assert found["io"].answer.startswith("undecided: ")
    assert found["io"].answer.endswith(" is ahead, although disturbed")


def test_rankings_and_conclusions_leave_out_disturbed_cells(tmp_path: Path) -> None:
    """A busy browser: waiting is concluded, computing on all CPUs is not."""
    run = dataclasses.replace(MADE, foreign_cores=1.0).load(tmp_path)
    assert headline(run) == "Every model but serial overlaps waiting. Whether computing overlaps is undecided."
    by_workload = {one.workload: one for one in recommendations(run)}
    assert by_workload["io"].best is not None
    assert by_workload["cpu"].best is None
    assert by_workload["cpu"].answer == "no recommendation, since most of the windows were disturbed"
    ranked = {one.workload: one for one in rankings(run)}
    assert len(ranked["io"].cells) == 6
    assert (ranked["cpu"].cells, len(ranked["cpu"].left_out)) == ((), 6)
