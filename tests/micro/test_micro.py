"""Microbenchmarks: run inside interpreters, compared round by round, and drawn."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.micro import load_micro
from bench.analysis.verdict import Verdict
from bench.cli.micro import main
from bench.cli.report import main as draw
from bench.cli.report_micro import main as show
from bench.errors import GilbenchError
from bench.interpreters import environments
from bench.interpreters.selection import resolve
from bench.micro import rounds
from bench.micro.measure import PACKAGES
from bench.report.micro.plots import WAYS
from bench.report.micro.tables import duration, facts, races, times
from tests.support.builds import made_build
from tests.support.drawing import plots
from tests.support.interpreters import FEW_PYTHONS, found, newest
from tests.support.made import Made

SAFE = ("module", "__new__ with an RLock", "double-checked locking", "instance made at import")


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture(autouse=True)
def found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the interpreters once for all tests."""
    monkeypatch.setattr("bench.cli.micro.discover", found)


def test_micro_measures_two_interpreters_and_shows_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    every = list(newest().values())
    pair = [every[0].name, next((one.name for one in every if one.build.freethreaded), every[-1].name)]
    only = "uncontended or widened or hot_call and double or hammered or SimpleQueue or test_thread and start"
    options = ["--pythons", ",".join(dict.fromkeys(pair)), "--rounds", "1", "--only", only, "--results", str(tmp_path)]
    assert main(options) == 0
    out = capfd.readouterr().out
    assert "round 1 of 1" in out
    (folder,) = (tmp_path / "micro").iterdir()
    micro = load_micro(folder)
    assert micro.failed == ()
    for interpreter in dict.fromkeys(pair):
        here = micro.timed[micro.timed["interpreter"] == interpreter]
        assert {"uncontended: Lock", "queue: SimpleQueue", "thread"} <= set(here["name"])
        assert (here["seconds"] > 0).all()
        counted = micro.facts[micro.facts["interpreter"] == interpreter]
        for way in WAYS:
            several = counted[
                (counted["name"] == f"{way}, raced for, window widened") & (counted["figure"] == "rounds_with_several")
            ]["value"].sum()
            assert (several == 0) == (way in SAFE), way
        lost = counted[(counted["name"] == "locked counter, by 4 threads") & (counted["figure"] == "missing_share")]
        assert lost["value"].tolist() == [0]
    page = (folder / "micro.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "double-checked locking" in page
    assert not re.search("https?:", page.replace("http://www.w3.org", ""))


def made(folder: Path, **changes: Any) -> Path:
    """Write a folder in which one interpreter needs 10% less time for one operation, and as long for another."""
    rng = random.Random(1)  # noqa: S311 - noise, not secrets
    folder.mkdir()
    meta = {
        "schema": 1,
        "rounds": 5,
        "machine": {"system": "Linux", "release": "6.1", "arch": "x86_64", "cpu_model": "AMD EPYC", "cpus": 2},
        "interpreters": {
            name: asdict(made_build(version="3.13.1", gil_enabled=name != "3.13t")) for name in ("3.13", "3.13t")
        },
    }
    records: list[dict[str, Any]] = []
    for round_ in range(5):
        drift = rng.gauss(1, 0.05)
        for interpreter, share in (("3.13", 1.0), ("3.13t", 0.9)):
            common = {"schema": 1, "interpreter": interpreter, "round": round_}
            for name, seconds in (("quick", 2e-6 * share), ("alike", 3e-3)):
                took = seconds * drift * rng.gauss(1, 0.001)
                records.append({**common, "kind": "timed", "group": "launch", "name": name, "seconds": took})
            race = {"rounds": 60, "rounds_with_several": 2, "most_instances": 3 + round_, "rounds_with_init_again": 0}
            figures = {"least_share": 0.5, "taken_per_s": 1200.4, "ends_in": "BrokenProcessPool"}
            for name, counted in (("metaclass, raced for", race), ("a pool", figures)):
                records.append({**common, "kind": "fact", "group": "launch", "name": name, "figures": counted})
    (folder / "run.json").write_text(json.dumps(meta | changes), encoding="utf-8")
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "micro.jsonl").write_text(lines, encoding="utf-8")
    return folder


def test_times_compares_round_by_round(tmp_path: Path) -> None:
    quick, alike = times(load_micro(made(tmp_path / "m")))
    assert quick.times[0].ratio is None
    ratio = quick.times[1].ratio
    assert ratio is not None
    assert ratio.low <= 0.9 <= ratio.high
    assert quick.times[1].verdict is Verdict.FASTER
    assert alike.times[1].verdict is Verdict.SAME


def test_facts_are_summed_or_listed_by_their_kind(tmp_path: Path) -> None:
    micro = load_micro(made(tmp_path / "m"))
    assert {fact.figure: fact.values for fact in facts(micro)} == {
        "least_share": ("50.0%", "50.0%"),
        "taken_per_s": ("1,200", "1,200"),
        "ends_in": ("BrokenProcessPool", "BrokenProcessPool"),
    }
    assert races(micro, briefly=True) == [("metaclass, raced for", ["10 of 300"] * 2)]
    assert races(micro, briefly=False) == [("metaclass, raced for", ["10 of 300 (up to 7)"] * 2)]


def test_load_leaves_out_a_line_that_was_cut(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    with (folder / "micro.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "ti')
    assert len(load_micro(folder).timed) == 20
    assert show([str(folder)]) == 0


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--pythons", "3.99"], "no CPython 3.99 found"),
        (["--variants", "3+turbo"], "+turbo is unknown"),
        (
            ["--only", "nosuchtest", "--pythons", f"own={sys.executable}", "--rounds", "1"],
            "matches no test",
        ),
    ],
)
def test_micro_refuses_in_one_line_what_cannot_be_measured(
    tmp_path: Path, argv: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*argv, "--results", str(tmp_path)]) == 2
    err = capfd.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_environments_report_an_index_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "KEPT", tmp_path / "kept")
    nowhere = "http://127.0.0.1:9/simple"
    settings = {"PIP_INDEX_URL": nowhere, "PIP_RETRIES": "0", "PIP_CONFIG_FILE": "/dev/null", "UV_INDEX_URL": nowhere}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    own = resolve(f"own={sys.executable}", list)[0]
    with pytest.raises(GilbenchError, match=r"cannot create an environment with pytest .* for own: .*PIP_FIND_LINKS"):
        environments.prepare(own, PACKAGES)
    assert not list((tmp_path / "kept").glob("*/complete"))


def test_micro_keeps_a_failing_test_as_a_result_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    for name in ("conftest.py", "pytest.ini"):
        (suite / name).write_text((rounds.SUITE / name).read_text(encoding="utf-8"), encoding="utf-8")
    tests = 'GROUP = "mine"\ndef test_it(timed):\n    timed(int)\ndef test_no():\n    assert 0\n'
    (suite / "test_it.py").write_text(tests, encoding="utf-8")
    monkeypatch.setattr(rounds, "SUITE", suite)
    assert main(["--pythons", f"own={sys.executable}", "--rounds", "1", "--results", str(tmp_path)]) == 1
    (folder,) = (tmp_path / "micro").iterdir()
    micro = load_micro(folder)
    assert micro.timed["name"].tolist() == ["it"]
    ((interpreter, test),) = micro.failed
    assert interpreter == "own"
    assert "test_no" in test


def test_micro_refuses_a_folder_without_microbenchmarks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show([str(tmp_path)]) == 2
    assert "holds no microbenchmarks" in capsys.readouterr().err
    made(tmp_path / "new", schema=2)
    assert show([str(tmp_path / "new")]) == 2
    assert "update gilbench" in capsys.readouterr().err


DURATIONS = [(1.5, "1.50 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs"), (3.2e-8, "32.0 ns"), (5e-10, "0.50 ns")]


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_duration_has_three_digits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_bench_does_not_collect_the_suite_of_microbenchmarks() -> None:
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "bench", "--collect-only"]
    command += ["--pythons", f"own={sys.executable}", "--servers", "serial", "--workloads", "echo", "--clients", "1"]
    environment = os.environ | FEW_PYTHONS
    done = subprocess.run(
        command, cwd=rounds.SUITE.parents[2], env=environment, capture_output=True, text=True, check=False
    )
    assert "serial-echo-1-own" in done.stdout
    assert "suite" not in done.stdout


def test_page_has_a_chapter_of_microbenchmarks_in_the_folder_of_its_run(tmp_path: Path) -> None:
    run = Made(models=("serial", "threaded"), workloads=("cpu",)).write(tmp_path / "run")
    made(run / "micro")
    with plots("cores"):
        assert draw([str(run), "--quiet"]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="microbenchmarks">Microbenchmarks</h2>' in page
    assert "metaclass, raced for" in page
    assert "<td>quick</td>" in page


@pytest.mark.parametrize("there", [False, True])
def test_micro_needs_a_run_to_write_into_and_overwrites_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], *, there: bool
) -> None:
    run = tmp_path / "run"
    if there:
        Made(models=("serial",), workloads=("cpu",)).write(run)
        (run / "micro").mkdir()
    assert main(["--pythons", f"own={sys.executable}", "--rounds", "1", "--into", str(run)]) == 2
    err = capfd.readouterr().err
    assert ("already exists: move it away" if there else "is not a run's folder: name one") in err
