"""The life of a request: the parts of its mean latency, on synthetic runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.analysis import read_run
from bench.analysis.life import LATENCY_S, PARTS, UNEXPLAINED, life
from bench.narrative.run_warnings import collect_warnings
from bench.report.draw import draw
from tests.support.drawing import plots
from tests.support.made import Made


def test_life_has_parts_that_add_up_to_the_latency(tmp_path: Path) -> None:
    lives = life(Made(noise=0).load(tmp_path))
    assert len(lives) == 72
    assert (lives[list(PARTS)].sum(axis="columns") / lives[LATENCY_S]).to_numpy() == pytest.approx(1)
    assert (lives[UNEXPLAINED].abs() / lives[LATENCY_S]).max() < 0.02  # a short window holds only whole requests
    seconds = {cell: lives.loc[cell] for cell in lives.index}
    assert seconds["serial", "cpu", 4, "3.13"]["queue"] / seconds["serial", "cpu", 4, "3.13"][
        LATENCY_S
    ] == pytest.approx(0.75, rel=0.02)
    assert seconds["threaded", "io", 4, "3.13"]["blocked"] == pytest.approx(0.005, rel=0.1)
    assert seconds["asyncio", "io", 4, "3.13"]["overlapped"] > 0.8 * seconds["asyncio", "io", 4, "3.13"][LATENCY_S]
    assert seconds["asyncio", "cpu", 4, "3.13"]["turn"] == pytest.approx(
        3 * seconds["asyncio", "cpu", 4, "3.13"]["cpu"], rel=0.02
    )


def test_life_takes_no_more_from_the_main_thread_than_is_missing(tmp_path: Path) -> None:
    run = Made(models=("threaded",), workloads=("cpu",), clients=(4,), noise=0).load(tmp_path)
    main = {"threads": 1.0, "cpu": 0.5, "run_queue": 0.1, "gil_wait": 0.2, "lock_wait": 0.2, "blocked": 0.0}
    for roles in run.windows["roles"]:
        roles["main"] = main | {"client_wait": 0.0, "idle": 0.0}
        roles["worker"]["threads"] *= 0.9
    lives = life(run)
    assert (lives["accepted"] / lives[LATENCY_S]).to_numpy() == pytest.approx(0.1, abs=0.02)
    assert lives[UNEXPLAINED].abs().max() < 1e-9


def test_collect_warnings_name_cells_whose_life_does_not_add_up(tmp_path: Path) -> None:
    run = Made(models=("threaded",), workloads=("cpu",), noise=0).load(tmp_path)
    for roles in run.windows["roles"]:
        roles["worker"]["threads"] *= 0.8
    (warning,) = collect_warnings(run)
    assert warning.code == "unexplained"
    assert "in 6 of 6 cells" in warning.says
    assert "+20%" in warning.where


def test_draw_leaves_out_lives_without_accounts_and_says_why(tmp_path: Path) -> None:
    folder = Made(("serial", "threaded"), ("io", "cpu"), accounted=False).write(tmp_path / "run")
    with plots("life", "cores"):
        page = draw(read_run(folder), quiet=True).read_text(encoding="utf-8")
    assert not (folder / "plots" / "life.svg").exists()
    assert (folder / "plots" / "cores.svg").exists()
    assert "Unknown for some or all windows: windows too short" in page
