"""History of many runs: changes, series of machines and work, and errors."""

from __future__ import annotations

import functools
import json
import math
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.analysis.history import changes
from bench.analysis.history.changes import LEVEL, all_changes, change_points
from bench.analysis.history.series import series_of_runs
from bench.analysis.load import read_run
from bench.cli.history import main
from tests.support.made import Made

CHANGED_IN = 8
RUNS = 12  # in every test that allows it, since the penalty for a change is calibrated once for each length


def calibrate_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrate the penalty for a change with fewer simulations than usual, to save time."""
    monkeypatch.setattr(changes, "_SIMULATIONS", 199)
    monkeypatch.setattr(changes, "_scale", functools.cache(changes._scale.__wrapped__))


def write_runs(folder: Path, count: int = RUNS, share: float = 0.1) -> Path:
    """Write runs of a machine that drifts; from CHANGED_IN on, a new version of one interpreter is faster."""
    rng = random.Random(3)  # noqa: S311 - noise, not secrets
    interpreters = Made(workloads=("cpu",)).load(folder / "other").meta.to_dict()["interpreters"]
    for number in range(count):
        drift, newer = math.exp(rng.gauss(0, 0.01)), number >= CHANGED_IN
        rates = {
            (model, "cpu", 4, interpreter, pass_): rate
            * drift
            * (1 + share * (newer and interpreter == "3.13t"))
            * math.exp(rng.gauss(0, 0.004))
            for model, rate in (("serial", 900.0), ("threaded", 1000.0))
            for interpreter in ("3.13", "3.13t")
            for pass_ in range(3)
        }
        version = {"version": f"3.13.{15 + newer}"}
        Made(
            models=("serial", "threaded"),
            workloads=("cpu",),
            clients=(4,),
            rates=rates,
            meta={
                "name": f"run{number:02}",
                "created": f"2026-11-{number + 1:02}T10:00:00+00:00",
                "interpreters": interpreters | {"3.13t": interpreters["3.13t"] | version},
            },
        ).write(folder / "runs" / f"run{number:02}")
    return folder / "runs"


def test_history_names_the_run_in_which_a_change_came_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calibrate_quickly(monkeypatch)
    folder = write_runs(tmp_path)
    assert main([str(folder), "--output", str(tmp_path / "history")]) == 0
    found = json.loads((tmp_path / "history" / "changes.json").read_text(encoding="utf-8"))
    assert {(one["cell"], one["figure"]) for one in found} == {
        (f"{model}-cpu-4-3.13t", figure) for model in ("serial", "threaded") for figure in ("throughput", "ratio")
    }
    for one in found:
        assert (one["run_before"], one["run"]) == (f"run{CHANGED_IN - 1:02}", f"run{CHANGED_IN:02}")
        assert one["low"] <= 1.1 <= one["high"]
        assert one["interpreters_differ_in"] == ["3.13.15 → 3.13.16"]
    out = capsys.readouterr().out
    assert "12 runs from 2026-11-01 10:00 to 2026-11-12 10:00 on AMD EPYC, 2 CPUs" in out
    assert "run08" in out
    page = (tmp_path / "history" / "history.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert page.count("<td>run08</td>") == 4
    assert not re.search("https?:", page.replace("http://www.w3.org", ""))
    for name in ("throughput", "ratio", "versions"):
        assert (tmp_path / "history" / f"{name}.png").is_file()


def test_all_changes_has_no_change_of_ratios_when_the_machine_slows(tmp_path: Path) -> None:
    # All cells of the later runs are slower by a third: their throughputs changed, their ratios did not.
    for number in range(RUNS):
        rates = {
            ("threaded", "cpu", 4, interpreter, pass_): rate
            * (1 if number < 6 else 0.67)
            * (1 + 0.003 * ((number * 3) % 4))
            for interpreter, rate in (("3.13", 1000.0), ("3.13t", 1900.0 * (1 + 0.002 * (number % 3))))
            for pass_ in range(3)
        }
        made = Made(models=("threaded",), workloads=("cpu",), clients=(4,), rates=rates)
        made.meta = {"name": f"r{number}", "created": f"2026-11-{number + 1:02}T10:00:00+00:00"}
        made.write(tmp_path / f"r{number}")
    found = all_changes(series_of_runs([read_run(tmp_path / f"r{number}") for number in range(RUNS)]))
    assert {(one.series.figure, one.series.interpreter, one.after.run) for one in found} == {
        ("throughput", interpreter, "r6") for interpreter in ("3.13", "3.13t")
    }


def test_series_are_separate_for_machines_and_work(tmp_path: Path) -> None:
    metas: tuple[dict[str, Any], ...] = (
        {},
        {"machine": {"cpu_model": "other", "cpus": 8}},
        {"work": {"cpu": {"rounds": 9000}}},
    )
    for number, meta in enumerate(metas):
        Made(models=("serial",), workloads=("cpu",), clients=(1,), meta=meta).write(tmp_path / f"r{number}")
    series = series_of_runs([read_run(tmp_path / f"r{number}") for number in range(3)])
    assert [len(one.points) for one in series] == [1] * 3 * 3  # two throughputs and a ratio, three times


@pytest.mark.parametrize("length", [8, RUNS, 20])
def test_change_points_rarely_finds_a_change_where_there_is_none(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if length != RUNS:
        calibrate_quickly(monkeypatch)
    rng = np.random.default_rng(5)
    tries = 300
    alarms = sum(bool(change_points(rng.normal(size=length))) for _ in range(tries))
    assert alarms <= tries * LEVEL + 3 * math.sqrt(tries * LEVEL)
    steps = sum(
        change_points(np.concatenate([rng.normal(size=length - 4), 8 + rng.normal(size=4)])) == [length - 4]
        for _ in range(100)
    )
    assert steps >= 80


def test_change_points_is_empty_for_constant_values() -> None:
    assert change_points(np.ones(9)) == []


def test_history_explains_in_one_line_what_it_cannot_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 2
    assert "is not a folder: name runs" in capsys.readouterr().err
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{", encoding="utf-8")
    Made(models=("serial",), workloads=("cpu",)).write(tmp_path / "run")
    assert main([str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("gilbench history: error: a history needs two runs, found 1 in")
    assert "is not a run.json" in err
    assert err.count("\n") == 1


def test_history_leaves_out_a_broken_run_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        Made(models=("serial",), workloads=("cpu",), meta={"name": name}).write(tmp_path / name)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "run.json").write_text("{}", encoding="utf-8")
    assert main([str(tmp_path), "--output", str(tmp_path / "history")]) == 0
    out = capsys.readouterr().out
    assert "Left out: " in out
    assert "no change found" in out
