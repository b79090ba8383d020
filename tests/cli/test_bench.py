"""The main job as a user runs it: ``pytest bench``."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.paths import ROOT
from loadgen.cli.exit_codes import FAILED, INTERRUPTED, INVALID
from tests.support.interpreters import FEW_PYTHONS
from tests.support.until import until

COMMAND = [sys.executable, "-m", "bench", "bench"]
SMALL = ["--servers", "serial,threaded", "--workloads", "echo,io", "--clients", "2", "--passes", "2"]
ENDLESS = ["--window", "300ms", "--budget", "24h", "--passes", "1000"]
ONE_CELL = ["--servers", "serial", "--workloads", "echo", "--clients", "2"]
SHORT = ["--window", "300ms", "--budget", "10m"]  # a run ends after its windows, however slow the machine


def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return kept | {"TMPDIR": str(tmp_path), "COLUMNS": "80"} | FEW_PYTHONS


def bench(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--results", str(tmp_path / "results"), "--pythons", f"own={sys.executable}", *options],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("done")
    return bench(folder, *SMALL, *SHORT, "--name", "small", "-v"), folder / "results" / "latest"


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()]


def test_bench_measures_every_cell_and_draws_the_run(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    process, folder = done
    assert process.returncode == 0, process.stdout + process.stderr
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "run.json",
        "records.jsonl",
        "benchmark.json",
        "summary.csv",
        "scaling.csv",
        "report.html",
        "plots",
    }
    assert folder.resolve().name.endswith("Z-small")
    cells = Counter(f"{r['model']}-{r['workload']}-{r['clients']}-{r['interpreter']}" for r in records(folder))
    assert cells == {f"{model}-{work}-2-own": 2 for model in ("serial", "threaded") for work in ("echo", "io")}


def test_bench_prints_windows_findings_and_the_path_of_the_page(
    done: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    process, folder = done
    lines = process.stdout.splitlines()
    assert lines[-1] == str(folder.resolve() / "report.html")
    windows = [line.split() for line in lines if re.match(r"pass \d  ", line)]
    assert len(windows) == len(records(folder))
    assert {words[2] for words in windows} == {
        "serial-echo-2-own",
        "serial-io-2-own",
        "threaded-echo-2-own",
        "threaded-io-2-own",
    }
    assert "which serves best, by throughput" in process.stdout
    assert "benchmark 'io'" not in process.stdout  # pytest-benchmark's table, and its legend, only if asked for
    assert "Legend" not in process.stdout


def test_bench_gives_pytest_benchmark_seconds_per_request(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, folder = done
    stored = json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))["benchmarks"]
    assert len(stored) == 4
    for one in stored:
        info = one["extra_info"]
        mine = [r for r in records(folder) if (r["model"], r["workload"]) == (info["model"], info["workload"])]
        assert one["group"] == info["workload"]
        assert one["stats"]["rounds"] == 2
        assert sorted(one["stats"]["data"]) == pytest.approx(sorted(1 / r["throughput_rps"] for r in mine))
        assert [r["pass"] for r in info["records"]] == [0, 1]


def test_bench_stores_runs_that_pytest_benchmark_compares(
    done: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
) -> None:
    stored = done[1] / "benchmark.json"
    other = Path(shutil.copy(stored, tmp_path))
    command = [sys.executable, "-m", "pytest_benchmark", "compare", str(stored), str(other)]
    compared = subprocess.run(command, capture_output=True, text=True, check=True)
    assert compared.stdout.count("test_cell[threaded-io-2-own]") == 2


def test_bench_records_the_command_that_repeats_the_run(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    command = json.loads((done[1] / "run.json").read_text(encoding="utf-8"))["command"]
    assert command.startswith("nox -s bench -- --results ")
    assert command.endswith("--clients 2 --passes 2 --window 300ms --budget 10m --name small -v")


def test_bench_shows_the_plan_with_collect_only_and_measures_nothing(tmp_path: Path) -> None:
    shown = bench(tmp_path, "--collect-only", "-k", "threaded and cpu")
    assert shown.returncode == 0
    cells = re.findall(r"test_cell\[(.*)\]", shown.stdout)
    assert cells == ["threaded-cpu-1-own", "threaded-cpu-4-own", "threaded-cpu-8-own"]
    assert re.search(r"^windows +9: 3 passes of 3 cells", shown.stdout, re.MULTILINE)
    estimate_plan = re.search(r"^total +(about \d.* min)", shown.stdout, re.MULTILINE)
    assert estimate_plan is not None
    quiet = bench(tmp_path, "--collect-only", "-q", "-k", "threaded and cpu")
    assert quiet.stdout.strip() == estimate_plan[1]
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--clients", "0"], "--clients: invalid number '0': use a whole number from 1"),
        (["--results", "/dev/null/x", "--servers", "serial", "--workloads", "echo"], "choose another folder"),
    ],
)
def test_bench_refuses_wrong_options_in_one_line_with_the_remedy(tmp_path: Path, options: list[str], says: str) -> None:
    refused = bench(tmp_path, *options)
    errors = [line for line in (refused.stdout + refused.stderr).splitlines() if "ERROR" in line or "Error" in line]
    assert refused.returncode == INVALID
    assert len(errors) == 1
    assert says in errors[0]
    assert "Traceback" not in refused.stdout + refused.stderr


def test_bench_measures_a_handler_that_always_fails(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def price(request):\n    raise LookupError('no such thing')\n")
    handler = ["--workload", f"{tmp_path}/broken.py:price", "--servers", "threaded", "--clients", "2", "--passes", "2"]
    done = bench(tmp_path, *handler, *SHORT)
    assert done.returncode == FAILED
    assert "Traceback" not in done.stdout + done.stderr
    assert "2 of 2 windows had no answered request" in done.stdout
    folder = tmp_path / "results" / "latest"
    assert [(record["requests"], record["errors"].keys() > set()) for record in records(folder)] == [(0, True)] * 2
    assert "requests failed" in (folder / "report.html").read_text(encoding="utf-8")


def test_bench_draws_what_was_measured_before_ctrl_c_and_refuses_a_second_run(tmp_path: Path) -> None:
    results = tmp_path / "results"
    options = ["--results", str(results), "--pythons", f"own={sys.executable}", *ONE_CELL, *ENDLESS, "-q"]
    command = [*COMMAND, *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    try:
        measured = results / "latest" / "records.jsonl"
        assert until(lambda: measured.exists() and measured.stat().st_size)
        second = bench(tmp_path, *ONE_CELL, *SHORT)
        assert second.returncode == INVALID
        assert f"another run is measuring (process {process.pid})" in second.stderr
        servers = children(process.pid)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == INTERRUPTED
    assert until(lambda: not [pid for pid in servers if Path(f"/proc/{pid}").exists()])
    assert json.loads((results / "latest" / "run.json").read_text(encoding="utf-8"))["state"] == "partial"
    assert "Partial." in (results / "latest" / "report.html").read_text(encoding="utf-8")
    assert out.splitlines()[-1].endswith("report.html")
    said = [line for line in out.splitlines() if line.strip()]
    assert len(said) == 2, "with -q what went wrong, and the page"
    assert said[0].startswith("interrupted: measured")
    assert len(records(results / "latest")) >= 1


def children(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text(encoding="ascii").split()]
