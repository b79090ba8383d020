"""Analysis of runs with synthetic records: reading, statistics, findings, warnings, plots and the page.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.analysis import read_run, summarise
from bench.analysis.stats import Answer, Spread, paired_ratio, pass_spreads, pick, speedups
from bench.analysis.summary import to_csv
from bench.cli.report import main
from bench.narrative.findings import collect_findings
from bench.narrative.run_warnings import collect_warnings
from bench.report.plots import PLOTS
from bench.report.plots.style import PALETTE
from tests.support.made import Made


def contended(model: str, workload: str, clients: int, interpreter: str) -> list[dict[str, Any]]:
    busy = model == "multiprocess" and workload == "cpu" and clients > 1
    few = {"code": "few_requests", "requests": 88}
    return ([{"code": "contended", "busy_share": 0.99}] if busy else []) + (
        [few] if model == "serial" and workload == "io" else []
    )


def by_pass(model: str, interpreter: str, rates: Sequence[float], clients: int = 8) -> dict[Any, float]:
    return {(model, "cpu", clients, interpreter, pass_): rate for pass_, rate in enumerate(rates)}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that has all plots except two."""
    made = Made(("serial", "threaded", "multiprocess"), ("io", "cpu"), warnings=contended)
    folder = made.write(tmp_path_factory.mktemp("full") / "run")
    assert main([str(folder), "--quiet"]) == 0
    return folder


SCRIPT = "<script>alert('$x$')</script>--[bold]"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a drawn run whose names are markup."""
    made = Made(["serial", "threaded"], ["io", "cpu"], [4], [SCRIPT, "3.13"], 2)
    made.meta = {
        "command": f"nox {SCRIPT}",
        "failures": [{"cell": SCRIPT, "pass": 0, "reason": SCRIPT}],
        "name": SCRIPT,
    }
    folder = made.write(tmp_path_factory.mktemp("hostile") / "run")
    assert main([str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def partial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an incomplete run, drawn over an old plot."""
    made = Made(["serial"], ["echo"], [1], ["3.13"], 1, meta={"state": "running"})
    folder = made.write(tmp_path_factory.mktemp("partial") / "run")
    (folder / "plots").mkdir()
    (folder / "plots" / "overlap.svg").write_text("old")
    assert main([str(folder), "--quiet"]) == 0
    return folder


# Reading.


def test_read_run_names_columns_with_their_units(tmp_path: Path) -> None:
    run = Made(models=["serial"], clients=[1], accounted=False).load(tmp_path)
    assert len(run.windows) == 3 * 2 * 3
    first = run.windows.iloc[0]
    assert first["server_cpu_s"] == pytest.approx(first["server_cpu_user_s"] + first["server_cpu_system_s"])
    assert {"latency_p99_ns", "connect_p50_ns", "context_switches_voluntary", "thread_gil_wait_share", "pass"} <= {
        *run.windows.columns
    }
    assert run.windows["thread_gil_wait_share"].isna().all()


def test_read_run_drops_and_counts_an_incomplete_last_line(tmp_path: Path) -> None:
    folder = Made(models=["serial"]).write(tmp_path / "run")
    records = folder / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-100])
    run = read_run(folder)
    assert (len(run.windows), run.dropped_lines) == (53, 1)
    assert "dropped_lines" in [warning.code for warning in collect_warnings(run)]


def test_read_run_accepts_a_last_line_without_a_newline(tmp_path: Path) -> None:
    folder = Made(models=["serial"]).write(tmp_path / "run")
    records = folder / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-1])
    assert (len(read_run(folder).windows), read_run(folder).dropped_lines) == (54, 0)


DAMAGES: dict[str, Callable[[Path, list[str]], object]] = {
    "gone": lambda folder, lines: (folder / "records.jsonl").unlink(),
    "empty": lambda folder, lines: (folder / "records.jsonl").write_text(""),
    "only a cut line": lambda folder, lines: (folder / "records.jsonl").write_text(lines[0][:50]),
    "a bad line amid good ones": lambda folder, lines: (folder / "records.jsonl").write_text(
        lines[0] + lines[1][:50] + "\n" + lines[2]
    ),
    "a newer record": lambda folder, lines: (folder / "records.jsonl").write_text(
        lines[0].replace('"schema": 1', '"schema": 99')
    ),
    "a wrong type": lambda folder, lines: (folder / "records.jsonl").write_text(
        lines[0].replace('"wall_s": 0.5', '"wall_s": "long"')
    ),
    "not a run.json": lambda folder, lines: (folder / "run.json").unlink(),
    "half a run.json": lambda folder, lines: (folder / "run.json").write_text('{"schema": 1, "name'),
    "run.json is a list": lambda folder, lines: (folder / "run.json").write_text("[]"),
    "a newer run.json": lambda folder, lines: (folder / "run.json").write_text('{"schema": 99}'),
}


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("gone", "cannot read"),
        ("empty", "no complete record"),
        ("only a cut line", "no complete record"),
        ("a bad line amid good ones", "line 2"),
        ("a newer record", "update gilbench"),
        ("a wrong type", "wrong type"),
        ("not a run.json", "cannot read"),
        ("half a run.json", "not a run.json"),
        ("run.json is a list", "not a run.json"),
        ("a newer run.json", "update gilbench"),
    ],
)
def test_report_explains_a_damaged_folder_in_one_line(
    what: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Made(models=["serial"], clients=[1]).write(tmp_path / "run")
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    DAMAGES[what](folder, lines)
    assert main([str(folder)]) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert err.startswith("gilbench report: error: ")
    assert err.count("\n") == 1
    assert not out


def test_report_explains_a_missing_folder_or_a_wrong_option_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit) as end:
        main(["--no-such-option"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_report_explains_a_folder_it_cannot_write_to_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Made(models=["serial"], clients=[1]).write(tmp_path / "run")
    (folder / "plots").write_text("in the way")
    assert main([str(folder)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


# Statistics and findings.


def test_speedups_are_geometric_means_paired_by_pass(tmp_path: Path) -> None:
    # The machine is twice as fast in the second pass; the ratio of medians would be 2.0.
    rates = by_pass("serial", "3.13", (100, 200, 100)) | by_pass("threaded", "3.13", (150, 300, 200))
    run = Made(models=["serial", "threaded"], interpreters=["3.13"], rates=rates).load(tmp_path)
    cell = ("threaded", "cpu", 8, "3.13")
    assert pick(pass_spreads(run.windows, "throughput_rps"), cell) == Spread(200, 150, 300, 3)
    found = pick(speedups(run.windows), cell)
    assert found is not None
    assert found.middle == pytest.approx((1.5 * 1.5 * 2.0) ** (1 / 3))
    assert found.low < 1.5 < found.middle < 2.0 < found.high
    assert found == paired_ratio(run.windows, "throughput_rps", cell, ("serial", "cpu", 8, "3.13"))
    assert pick(speedups(run.windows), ("serial", "cpu", 8, "3.13")) == Spread(1, 1, 1, 3)


def test_paired_ratio_pairs_interpreters_by_pass(tmp_path: Path) -> None:
    rates = by_pass("threaded", "3.13", (100, 200, 400)) | by_pass("threaded", "3.13t", (150, 200, 1000))
    run = Made(models=["threaded"], rates=rates).load(tmp_path)
    found = paired_ratio(run.windows, "throughput_rps", *(("threaded", "cpu", 8, name) for name in ("3.13t", "3.13")))
    assert found is not None
    assert found.middle == pytest.approx((1.5 * 1.0 * 2.5) ** (1 / 3))
    assert found.low < 1 < found.middle < found.high
    assert found.passes == 3
    nowhere = ("serial", "cpu", 8, "3.13")
    assert paired_ratio(run.windows, "throughput_rps", ("threaded", "cpu", 8, "3.13"), nowhere) is None


def test_speedups_leaves_out_a_pass_that_one_side_lacks(tmp_path: Path) -> None:
    rates = by_pass("serial", "3.13", (100, 0, 100)) | by_pass("threaded", "3.13", (150, 300, 200))
    run = Made(models=["serial", "threaded"], interpreters=["3.13"], rates=rates).load(tmp_path)
    found = pick(speedups(run.windows), ("threaded", "cpu", 8, "3.13"))
    assert found is not None
    assert found.middle == pytest.approx(3**0.5)
    assert found.passes == 2


def test_spread_has_no_range_after_one_pass(tmp_path: Path) -> None:
    run = Made(passes=1).load(tmp_path)
    spread = pick(speedups(run.windows), ("threaded", "io", 8, "3.13"))
    assert spread is not None
    assert not spread.has_range
    assert math.isnan(spread.high)
    assert summarise(run)["throughput_rps_low"].isna().all()
    assert "one_pass" in [warning.code for warning in collect_warnings(run)]
    assert "one pass" in str(collect_findings(run)[1])
    assert "range" not in str(collect_findings(run)[1])


@pytest.mark.parametrize(("faster", "unsteady"), [(1.0, False), (1.1, False), (2.0, True)])
def test_collect_warnings_says_that_the_speed_of_the_cpus_moved(faster: float, unsteady: bool, tmp_path: Path) -> None:
    """In the second pass each cell answers ``faster`` times the number of requests with the same CPU time."""
    models, interpreters = ("serial", "threaded"), ("3.13",)
    rates = {
        (model, workload, clients, "3.13", number): 1000 * (faster if number == 1 else 1)
        for model in models
        for workload in ("echo", "cpu")
        for clients in (1, 8)
        for number in range(3)
    }
    made = Made(models=models, workloads=("echo", "cpu"), clients=(1, 8), interpreters=interpreters, rates=rates)
    found = [one for one in collect_warnings(made.load(tmp_path)) if one.code == "unsteady"]
    assert bool(found) is unsteady
    if unsteady:
        assert re.search(r"by a factor of (1\.9|2\.0)\d between passes \(median of 8 cells\)", found[0].says)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(1.3, 1.5, Answer.YES), (0.9, 1.1, Answer.NO), (1.1, 1.3, Answer.UNCLEAR)],
)
def test_spread_is_above_a_bound_only_with_its_whole_range(low: float, high: float, verdict: Answer) -> None:
    assert Spread((low + high) / 2, low, high, 3).above(1.2) is verdict


@pytest.mark.parametrize(
    ("threaded", "cores", "says"),
    [
        ((98, 99, 97), 1.0, "but computing does not overlap (cpu 0.98× serial, 95% interval 0.95–1.01"),
        ((180, 190, 170), 1.8, "and computing overlaps (cpu 1.80× serial, 95% interval 1.57–2.1"),
        ((100, 130, 150), 1.3, "but computing may or may not overlap (cpu 1.25× serial, 95% interval 0.75–2.1"),
        ((180, 190, 170), 1.0, "but computing may or may not overlap (cpu 1.80× serial"),  # serial was disturbed
    ],
)
def test_collect_findings_follow_the_numbers(
    threaded: Sequence[float], cores: float, says: str, tmp_path: Path
) -> None:
    rates = by_pass("serial", "3.13", (100, 100, 100)) | by_pass("threaded", "3.13", threaded)
    made = Made(models=["serial", "threaded"], interpreters=["3.13"], rates=rates, cores={("threaded", "cpu"): cores})
    run = made.load(tmp_path)
    found = {finding.subject: finding.says for finding in collect_findings(run)}
    assert says in found["threaded on 3.13"]
    assert "waiting overlaps" in found["threaded on 3.13"]
    assert ("concurrency without parallelism" in found["threaded on 3.13"]) is ("does not overlap" in says)


def test_collect_findings_conclude_nothing_from_disturbed_windows(tmp_path: Path) -> None:
    def warn(model: str, workload: str, clients: int, interpreter: str) -> list[dict[str, Any]]:
        return [{"code": "steal", "share": 0.5}] if (model, workload) == ("threaded", "cpu") else []

    rates = by_pass("serial", "3.13", (100, 100, 100)) | by_pass("threaded", "3.13", (60, 61, 62))
    made = Made(models=["serial", "threaded"], interpreters=["3.13", "3.13t"], rates=rates, warnings=warn)
    found = {finding.subject: finding.says for finding in collect_findings(made.load(tmp_path))}
    assert "waiting overlaps" in found["threaded on 3.13"]
    assert "computing may or may not overlap" in found["threaded on 3.13"]
    assert "something else took CPU time during cpu, so nothing is concluded" in found["threaded on 3.13"]
    assert "disturbed" in found["3.13t compared with 3.13"].split(";")[1]
    assert "disturbed" not in found["3.13t compared with 3.13"].split(";")[0]


def test_collect_findings_call_interpreters_different_only_beyond_the_interval(tmp_path: Path) -> None:
    rates = by_pass("threaded", "3.13", (100, 100, 100)) | by_pass("threaded", "3.13t", (160, 150, 170))
    rates |= by_pass("asyncio", "3.13", (100, 100, 100)) | by_pass("asyncio", "3.13t", (99, 101, 98))
    run = Made(models=["threaded", "asyncio"], rates=rates).load(tmp_path)
    said = str(collect_findings(run)[-1])
    assert "3.13t compared with 3.13: cpu with 8 clients" in said
    assert "threaded 1.60× (1.37–1.87), faster" in said
    assert "asyncio 0.99× (0.96–1.03), not enough data" in said


def test_collect_findings_rest_on_effective_cores_without_serial(tmp_path: Path) -> None:
    run = Made(models=["multiprocess"], interpreters=["3.13"]).load(tmp_path)
    said = str(collect_findings(run)[0])
    assert "serial was not measured" in said
    assert "several cores compute at once" in said
    assert summarise(run)["speedup"].isna().all()


# Warnings.


def test_collect_warnings_list_each_code_once_with_its_worst_figure(tmp_path: Path) -> None:
    def warn(model: str, workload: str, clients: int, interpreter: str) -> list[dict[str, Any]]:
        if workload != "cpu":
            return []
        return [
            {"code": "littles_law", "residual": -0.3 if clients == 8 else 0.04},
            {"code": "errors", "kinds": {"reset": clients}},
            {"code": "brand_new", "figure": 5},
            {"code": "contended"},
        ]

    run = Made(models=["serial"], interpreters=["3.13"], warnings=warn).load(tmp_path)
    found = {warning.code: warning for warning in collect_warnings(run)}
    assert "up to 30.0%" in found["littles_law"].says
    assert found["littles_law"].where.startswith("9 of 27 windows: serial-cpu-8-3.13, ")
    assert "8 reset" in found["errors"].says
    assert found["brand_new"].says == '{"figure": 5}'
    assert found["contended"].says == "{}"


def test_collect_warnings_name_an_early_end_failures_and_different_builds(tmp_path: Path) -> None:
    made = Made(models=["serial"], clients=[1])
    build = {"version": "3.13.15", "compiler": "GCC 12.2.0", "pgo": True}
    made.meta = {
        "state": "partial",
        "failures": [{"cell": "threaded-cpu-8-3.13", "pass": 1, "reason": "did not start"}],
        "interpreters": {"3.13": build, "3.13t": {**build, "compiler": "Clang 18", "pgo": False}},
        "plan": {"models": ["serial", "threaded"], "cells": ["serial-cpu-1-3.13", "threaded-cpu-1-3.13"]},
    }
    found = {warning.code: warning for warning in collect_warnings(made.load(tmp_path))}
    assert "ended early; 1 of 2 planned cells" in found["partial"].says
    assert "did not start" in found["failed_cells"].where
    assert "compiler (3.13 GCC 12.2.0, 3.13t Clang 18)" in found["different_builds"].says
    assert "PGO (3.13 with, 3.13t without)" in found["different_builds"].says


def test_collect_warnings_name_servers_of_different_versions(tmp_path: Path) -> None:
    made = Made(models=["serial"], clients=[1])
    versions = {"3.13": "2.8.9", "3.13t": "2.7.9"}
    found = {
        name: {"processes": 2, "workers": 2, "packages": {"click": "8.4", "granian": version}}
        for name, version in versions.items()
    }
    made.meta = {"deployed": {"serial": found}}
    warned = {warning.code: warning for warning in collect_warnings(made.load(tmp_path))}
    assert warned["different_servers"].says == (
        "versions differ: serial with granian 2.8.9 under 3.13, 2.7.9 under 3.13t"
    )


def test_collect_warnings_are_empty_for_a_clean_run(tmp_path: Path) -> None:
    assert collect_warnings(Made().load(tmp_path)) == []


# Plots and the page.


def test_report_draws_each_plot_and_writes_the_summary(drawn: Path) -> None:
    with_two_interpreters = PLOTS.keys() - {"versions", "convoy"}
    assert {path.name for path in (drawn / "plots").iterdir()} == {f"{name}.svg" for name in with_two_interpreters}
    summary = pd.read_csv(drawn / "summary.csv", dtype={"interpreter": str})
    assert len(summary) == 3 * 2 * 3 * 2
    assert summary["passes"].eq(3).all()


def test_report_writes_the_same_files_again(hostile: Path) -> None:
    before = {path: path.read_bytes() for path in hostile.rglob("*") if path.is_file()}
    assert {path.name for path in before} > {"summary.csv", "report.html", "overlap.svg", "latency.svg"}
    assert main([str(hostile), "--quiet"]) == 0
    assert {path: path.read_bytes() for path in hostile.rglob("*") if path.is_file()} == before
    assert to_csv(summarise(read_run(hostile))).encode() == before[hostile / "summary.csv"]


def test_report_writes_plots_as_png_when_asked_to(tmp_path: Path) -> None:
    folder = Made(models=["serial"], clients=[1], workloads=["cpu"]).write(tmp_path / "run")
    assert main([str(folder), "--quiet", "--png"]) == 0
    plots = {path.name for path in (folder / "plots").iterdir()}
    assert {"latency.svg", "latency.png"} <= plots
    assert {name.removesuffix(".png") for name in plots if name.endswith(".png")} == {
        name.removesuffix(".svg") for name in plots if name.endswith(".svg")
    }
    assert main([str(folder), "--quiet"]) == 0
    assert {path.name for path in (folder / "plots").iterdir()} == {name for name in plots if name.endswith(".svg")}


def test_page_fetches_nothing(drawn: Path) -> None:
    page = (drawn / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<(link|img|iframe|object|embed|base)\b", page)
    assert not re.search(r"""<(?!a\b)[^>]*\s(?:src|href)\s*=\s*(?!"#)""", page)
    assert all(name.startswith("plots/") for name in re.findall(r"""<a\b[^>]*\shref="(?!#)([^"]*)""", page))
    assert "default-src 'none'" in page
    assert not re.search(r"url\((?!#)|@import", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    linked = {name.split("&amp;")[0] for name in re.findall(r'href="#([^"]+)"', page)}
    assert linked | set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


def test_page_shows_findings_command_machine_and_warnings(drawn: Path) -> None:
    page = (drawn / "report.html").read_text(encoding="utf-8")
    for part in (
        "concurrency without parallelism",
        "nox -s bench -- --passes 3",
        "AMD EPYC",
        "GCC 12.2.0",
        "contended",
    ):
        assert part in page
    assert "Partial." not in page


def test_plots_are_well_formed_xml(drawn: Path) -> None:
    for path in (drawn / "plots").glob("*.svg"):
        assert ET.parse(path).getroot().tag.endswith("svg")  # noqa: S314 - our own file


def test_plots_use_only_colours_of_the_palette(drawn: Path) -> None:
    for path in (drawn / "plots").glob("*.svg"):
        svg = path.read_text(encoding="utf-8")
        values = set(re.findall(r'\b(?:fill|stroke|stop-color)="([^"]*)"', svg)) - {"none"}
        assert {value for value in values if not value.startswith("url(#")} <= {*PALETTE.values()}, path.name
        assert len(re.findall(r"#[0-9a-fA-F]{6}", svg)) == len(re.findall(r'="#[0-9a-f]{6}"', svg))
        assert ' style="' not in svg


def test_page_escapes_names(hostile: Path) -> None:
    page = (hostile / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


NARROWED = {
    "one of everything": Made(["serial"], ["echo"], [1], ["3.13"], 1),
    "no serial": Made(["threaded", "asyncio"], ["io", "cpu"], [1, 8], ["3.13t"], 2),
    "only io": Made(["serial", "threaded"], ["io"], [8], ["3.13"], 2),
    "only cpu, many clients": Made(["threaded"], ["cpu"], [1, 2, 3, 4, 16, 64], ["3.13", "3.13t"], 1),
    "one client": Made(["serial", "threaded"], ["io", "cpu"], [1], ["3.13"], 2),
    "many interpreters": Made(
        ["serial", "threaded"], ["cpu"], [8], ["3.9", "3.13", "3.13t", "/opt/a/long/path/to/python3.14"], 2
    ),
    "nothing answered": Made(["serial"], ["cpu"], [8], ["3.13"], 2, rates=by_pass("serial", "3.13", (0, 0))),
    "run.json says little": Made(
        ["serial", "threaded"],
        ["io", "cpu"],
        [8],
        ["3.13"],
        2,
        meta=dict.fromkeys(("plan", "machine", "interpreters", "control", "work", "failures")),
    ),
}


@pytest.mark.parametrize("name", NARROWED)
def test_report_draws_a_narrowed_run(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = NARROWED[name].write(tmp_path / "run")
    assert main([str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == str(folder / "report.html")
    assert max(map(len, out.splitlines()[:-1])) <= 80


def test_report_removes_the_old_file_of_a_plot_with_nothing_to_show(partial: Path) -> None:
    assert not (partial / "plots" / "overlap.svg").exists()
    assert (partial / "plots" / "throughput.svg").exists()


def test_page_says_that_a_run_is_partial(partial: Path) -> None:
    assert "Partial." in (partial / "report.html").read_text(encoding="utf-8")


def test_report_prints_plain_ascii_to_a_pipe(tmp_path: Path) -> None:
    folder = Made(["threaded"], ["cpu"], [8], ["3.13"], 1).write(tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "report", str(folder)],
        capture_output=True,
        check=True,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "ascii", "COLUMNS": "80"},
    )
    assert b"\x1b" not in done.stdout
    assert b"threaded" in done.stdout
    assert not done.stderr


if __name__ == "__main__":  # python -m tests.report.test_analysis FOLDER writes a run to read
    Made(warnings=contended).write(Path(sys.argv[1]))
