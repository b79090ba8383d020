"""Frames for notebooks, the files that they are exported to, and the notebook that shows them.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet
import pytest

from bench.analysis import cells, latency, load_run, load_runs, ratios, read_run, summarise
from bench.analysis.columns import TABLES, WINDOWS, markdown_table
from bench.analysis.comparison import compare_interpreters
from bench.cli.export import main
from bench.paths import ROOT
from bench.report.export import EXPORT_FORMATS, EXPORTED
from bench.schema.run_meta import read_meta
from loadgen.errors import GilbenchError
from tests.support.made import Made

EXAMPLE = ROOT / "results" / "example"
FUNCTIONS = {"windows": load_run, "cells": cells, "ratios": ratios, "latency": latency}
UNITS = {
    "_s": "s",
    "_ns": "ns",
    "_bytes": "bytes",
    "_rps": "req/s",
    "_share": "share",
    "_cores": "cores",
    "_mhz": "MHz",
}


@pytest.fixture(scope="module")
def windows() -> pd.DataFrame:
    return load_run(EXAMPLE)


@pytest.fixture(scope="module")
def made(windows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the frame of each table, from cells of the example run that compute."""
    few = windows[(windows["workload"] == "cpu") & (windows["clients"] == 4)]
    return {name: make(few) for name, make in EXPORTED.items()}


# Columns.


@pytest.mark.parametrize("table", TABLES)
def test_columns_have_the_documented_types(table: str, made: dict[str, pd.DataFrame]) -> None:
    assert {name: str(dtype) for name, dtype in made[table].dtypes.items()} == {
        column.name: column.dtype for column in TABLES[table]
    }


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_listed_in_docstrings_and_the_reference(table: str) -> None:
    shown = FUNCTIONS[table].__doc__ or ""
    for column in TABLES[table]:
        assert column.meaning
        assert f"    {column.name} ({column.kind}): {column.meaning}" in shown
        assert f"| `{column.name}` | {column.unit} |" in markdown_table(TABLES[table])


def test_columns_have_the_units_that_their_names_end_in() -> None:
    for column in (column for table in TABLES.values() for column in table):
        name = column.name.removesuffix("_low").removesuffix("_high")
        ending = max((end for end in UNITS if name.endswith(end)), key=len, default="")
        if ending:
            assert column.unit == UNITS[ending], column.name


def test_load_run_keeps_each_field_of_a_record(windows: pd.DataFrame) -> None:
    """The frame has each column of the records under the same name, except the time, which becomes a timestamp."""
    added = {"run", "cell", "python_version", "gil_enabled", "began", "disturbed"}
    assert {*read_run(EXAMPLE).windows.columns} - {"at_s"} == {*windows.columns} - added
    assert len(windows) == len((EXAMPLE / "records.jsonl").read_bytes().splitlines())


# Windows.


def test_load_run_returns_a_row_per_window(tmp_path: Path) -> None:
    def disturbed(model: str, *_: object) -> list[dict[str, Any]]:
        return [{"code": "steal", "share": 0.1}, {"code": "few_requests", "requests": 3}] if model == "serial" else []

    frame = load_run(Made(models=("threaded", "serial"), workloads=("io",), warnings=disturbed).write(tmp_path / "run"))
    first = frame.iloc[0]
    assert (first["cell"], first["run"], first["python_version"]) == (
        "threaded-io-1-3.13",
        "20261123T170000Z-made",
        "3.13.15",
    )
    assert first["began"] == pd.Timestamp("2027-01-15T08:00:00Z")
    assert frame.groupby("model")["warnings"].first().to_dict() == {"threaded": "", "serial": "steal few_requests"}
    assert frame.groupby("model")["disturbed"].first().to_dict() == {"threaded": False, "serial": True}
    assert frame.groupby("interpreter")["gil_enabled"].first().to_dict() == {"3.13": True, "3.13t": False}
    assert json.loads(first["roles"])["worker"]["threads"] == 1
    assert json.loads(first["error_kinds"]) == {}


def test_load_run_keeps_names_in_the_order_of_the_plan(tmp_path: Path) -> None:
    models = ("threaded", "serial", "asyncio")
    frame = load_run(Made(models=models, workloads=("io", "cpu")).write(tmp_path / "run"))
    assert frame["model"].cat.categories.tolist() == list(models)
    assert frame.sort_values("model")["model"].unique().tolist() == list(models)
    assert cells(frame)["workload"].unique().tolist() == ["io", "cpu"]
    assert latency(frame)["model"].unique().tolist() == list(models)


def test_load_run_marks_unknown_figures_as_missing(tmp_path: Path) -> None:
    folder = Made(models=("threaded",), workloads=("io",), accounted=False, meta={"interpreters": None}).write(
        tmp_path / "run"
    )
    lines = (
        (folder / "records.jsonl")
        .read_text()
        .replace('"requests_per_connection": 10', '"requests_per_connection": null')
    )
    (folder / "records.jsonl").write_text(lines.replace('"peak_rss_bytes": 20000000', '"peak_rss_bytes": null'))
    frame = load_run(folder)
    assert {name: str(frame[name].dtype) for name in frame} == {column.name: column.dtype for column in WINDOWS}
    unknown = (
        "requests_per_connection",
        "peak_rss_bytes",
        "gil_enabled",
        "python_version",
        "thread_gil_wait_share",
        "cpu_mhz",
    )
    assert frame[[*unknown]].isna().all(axis=None)
    assert frame["thread_accounting_unknown"].notna().all()


def test_load_run_puts_run_json_into_attrs(windows: pd.DataFrame) -> None:
    meta = json.loads(json.dumps(read_meta(EXAMPLE).to_dict()))
    assert windows.attrs == meta
    assert windows[windows["clients"] == 4].attrs == meta


@pytest.mark.parametrize("broken", [Path("nowhere"), ROOT / "docs"])
def test_load_run_refuses_a_path_that_is_not_a_run(broken: Path) -> None:
    with pytest.raises(GilbenchError, match=r"is not a folder|cannot read"):
        load_run(broken)


# Tables made from windows, with the figures that the page shows.


def test_cells_equal_those_of_the_summary(windows: pd.DataFrame) -> None:
    summary = summarise(read_run(EXAMPLE))
    found = cells(windows)
    assert {*found.columns} == {*summary.columns, "run", "cell"}
    for name in summary:
        pd.testing.assert_series_equal(found[name], summary[name], check_dtype=False, check_categorical=False)


def test_ratios_equal_those_of_the_comparison(made: dict[str, pd.DataFrame], windows: pd.DataFrame) -> None:
    rows = compare_interpreters(read_run(EXAMPLE), "3.13", "3.13t", metrics=("throughput", "latency_p99")).rows
    found = ratios(windows, "3.13", "3.13t", metrics=("throughput", "latency_p99"))
    assert len(found) == len(rows)
    for row, (_, shown) in zip(rows, found.iterrows(), strict=True):
        assert (shown.model, shown.workload, shown.clients, shown.metric) == (*row.group, row.metric)
        assert (shown.ratio, shown.low, shown.high) == tuple(row.ratio[:3])
        assert (shown.p_adjusted, shown.verdict) == (row.p_adjusted, str(row.verdict))
    assert {*made["ratios"]["baseline"]} == {"3.13"}
    assert {*made["ratios"]["candidate"]} == {"3.13t", "3.14"}


def test_latency_equals_the_records_where_a_pass_has_one_window(windows: pd.DataFrame) -> None:
    few = windows[windows["workload"] == "io"]
    found = latency(few, percentiles=[50, 99])
    summary = cells(few).set_index("cell")
    for percentile, column in ((50, "latency_p50_ns"), (99, "latency_p99_ns")):
        one = found[found["percentile"] == percentile].set_index("cell")
        for end in ("", "_low", "_high"):
            exact = summary[f"{column}{end}"].to_dict()  # exact if it is the maximum; otherwise in the same bucket
            assert one[f"latency_ns{end}"].to_dict() == pytest.approx(exact, rel=0.001)
    assert found.groupby("cell")["requests"].first().to_dict() == few.groupby("cell")["requests"].sum().to_dict()


def test_latency_merges_the_windows_of_a_pass(windows: pd.DataFrame) -> None:
    one = windows[windows["cell"] == "serial-cpu-8-3.13"]
    apart, together = latency(one, [90]).iloc[0], latency(one.assign(**{"pass": 0}), [90]).iloc[0]
    assert apart["latency_ns_low"] <= together["latency_ns"] <= apart["latency_ns_high"]
    assert together["requests"] == apart["requests"] == one["requests"].sum()
    assert pd.isna(together["latency_ns_low"])


def test_cells_summarise_a_selection_of_windows(windows: pd.DataFrame) -> None:
    few = windows[(windows["pass"] == 1) & (windows["workload"] == "native")]
    found = cells(few).set_index("cell")
    assert found["throughput_rps"].to_dict() == few.set_index("cell")["throughput_rps"].to_dict()
    assert set(found["passes"]) == {1}
    assert found["throughput_rps_low"].isna().all()


def test_ratios_count_disturbed_windows(tmp_path: Path) -> None:
    def stolen(model: str, *_: object) -> list[dict[str, Any]]:
        return [{"code": "steal", "share": 0.1}] if model == "asyncio" else []

    frame = load_run(Made(models=("threaded", "asyncio"), workloads=("cpu",), warnings=stolen).write(tmp_path / "run"))
    found = ratios(frame, metrics=("throughput",)).groupby("model")[["disturbed_share", "ratio_undisturbed"]].first()
    assert found["disturbed_share"].to_dict() == {"threaded": 0.0, "asyncio": 1.0}
    assert found["ratio_undisturbed"].isna().to_dict() == {"threaded": False, "asyncio": True}


REFUSED: dict[str, tuple[Callable[[pd.DataFrame], object], str]] = {
    "another frame": (lambda _: cells(pd.DataFrame({"a": [1]})), "not windows of a known run"),
    "no row": (lambda windows: cells(windows[:0]), "not windows of a known run"),
    "its meta lost": (lambda windows: latency(_without_attrs(windows)), "not windows of a known run"),
    "an unknown interpreter": (lambda windows: ratios(windows, "2.7"), "no interpreter 2.7: choose from 3.13"),
    "an unknown metric": (
        lambda windows: ratios(windows, metrics=["speed"]),
        "unknown metric speed: choose from throughput",
    ),
    "one interpreter": (
        lambda windows: ratios(windows[windows["interpreter"] == "3.14"], "3.14"),
        "only one interpreter",
    ),
    "percentile 0": (lambda windows: latency(windows, [0]), "invalid percentiles 0: use values above 0 and up to 100"),
    "no percentile": (
        lambda windows: latency(windows, []),
        "invalid percentiles none: use values above 0 and up to 100",
    ),
}


def _without_attrs(windows: pd.DataFrame) -> pd.DataFrame:
    bare = windows.copy()
    bare.attrs = {}
    return bare


@pytest.mark.parametrize("case", REFUSED)
def test_frames_refuse_input_that_they_cannot_summarise(case: str, windows: pd.DataFrame) -> None:
    call, says = REFUSED[case]
    with pytest.raises(GilbenchError, match=says):
        call(windows)


# Several runs.


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [
        Made(models=("threaded",), workloads=("cpu",), clients=(8,), meta={"name": "old"}).write(tmp_path / "A"),
        Made(models=("asyncio", "threaded"), workloads=("io",), clients=(8,), meta={"name": "new"}).write(
            tmp_path / "B"
        ),
    ]


def test_load_runs_returns_one_frame(two: list[Path]) -> None:
    frame = load_runs(two)
    assert frame["run"].value_counts(sort=False).to_dict() == {"old": 6, "new": 12}
    assert frame["model"].cat.categories.tolist() == ["threaded", "asyncio"]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {c.name: c.dtype for c in WINDOWS}
    assert frame.attrs["runs"]["new"]["plan"]["models"] == ["asyncio", "threaded"]
    pd.testing.assert_frame_equal(frame[:6], load_run(two[0]), check_categorical=False)


def test_frames_summarise_each_run_by_itself(two: list[Path]) -> None:
    frame, apart = load_runs(two), [load_run(path) for path in two]
    for make in (cells, ratios, latency):
        whole = make(frame)
        parts = [make(one) for one in apart]
        assert whole["run"].unique().tolist() == ["old", "new"]
        for name in whole:
            values = [value for part in parts for value in part[name]]
            assert whole[name].tolist() == pytest.approx(values, nan_ok=True)


def test_load_runs_refuses_a_run_given_twice(two: list[Path]) -> None:
    with pytest.raises(GilbenchError, match="3 runs, 2 of them different"):
        load_runs([*two, two[0]])
    with pytest.raises(GilbenchError, match="0 runs"):
        load_runs([])
    with pytest.raises(GilbenchError, match="pass the frame that load_run or load_runs returned"):
        cells(pd.concat([load_run(path) for path in two]))


# Files.


@pytest.mark.parametrize("table", TABLES)
def test_export_writes_parquet_that_reads_back_the_same(table: str, tmp_path: Path) -> None:
    run = Made(models=("threaded", "serial"), workloads=("cpu",), clients=(4, 8)).write(tmp_path / "run")
    file = tmp_path / "made.parquet"
    assert main([str(run), str(file), "--table", table]) == 0
    again, meant = pd.read_parquet(file), EXPORTED[table](load_run(run))
    pd.testing.assert_frame_equal(again, meant)
    assert again.attrs == meant.attrs
    for column in TABLES[table]:
        about = pyarrow.parquet.read_schema(file).field(column.name).metadata
        assert (about[b"unit"].decode(), about[b"description"].decode()) == (column.unit, column.meaning)


def test_export_writes_the_example_run_as_parquet(windows: pd.DataFrame, tmp_path: Path) -> None:
    assert main([str(EXAMPLE), str(tmp_path / "windows.parquet")]) == 0
    again = pd.read_parquet(tmp_path / "windows.parquet")
    pd.testing.assert_frame_equal(again, windows)
    assert again.attrs == windows.attrs
    few = again[again["workload"] == "io"]
    pd.testing.assert_frame_equal(cells(few), cells(windows[windows["workload"] == "io"]))
    windows.to_parquet(tmp_path / "by-pandas.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "by-pandas.parquet"), windows)


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda file: pd.read_csv(file, keep_default_na=False, na_values=[""]),
    ".jsonl": lambda file: pd.read_json(io.StringIO(file.read_text("utf-8")), lines=True, dtype=False),
}


@pytest.mark.parametrize("ending", READERS)
def test_export_writes_the_same_values_as_text(ending: str, windows: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / f"windows{ending.upper()}"
    assert main([str(EXAMPLE), str(file)]) == 0
    again = READERS[ending](file)
    assert again.columns.tolist() == windows.columns.tolist()
    assert again["throughput_rps"].tolist() == pytest.approx(windows["throughput_rps"].tolist(), rel=1e-12)
    assert again["model"].tolist() == windows["model"].tolist()
    assert pd.to_datetime(again["began"]).tolist() == windows["began"].tolist()
    assert again["throttled"].isna().tolist() == windows["throttled"].isna().tolist()


def test_export_writes_several_runs_and_the_latest(
    two: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "both.parquet"
    assert main([str(two[0]), "--table", "cells", str(two[1]), str(file)]) == 0
    assert pd.read_parquet(file)["run"].unique().tolist() == ["old", "new"]
    monkeypatch.setenv("GILBENCH_RESULTS", str(tmp_path))
    (tmp_path / "latest").symlink_to(two[1])
    capsys.readouterr()
    assert main([str(tmp_path / "latest.csv")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'latest.csv'}: 12 rows, {len(WINDOWS)} columns\n"


def refused(argv: list[str], capsys: pytest.CaptureFixture[str], code: int = 1) -> str:
    assert main(argv) == code
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("gilbench export: error: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("name", ["windows.xlsx", "windows", "results/latest", ".parquet"])
def test_export_lists_the_known_endings_for_an_unknown_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = refused([str(EXAMPLE), name], capsys, 2)
    assert all(ending in shown for ending in EXPORT_FORMATS)
    assert not Path(name).is_file()


def test_export_names_the_remedy_without_pyarrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet")
    assert "install gilbench[export]" in refused([str(EXAMPLE), str(tmp_path / "windows.parquet")], capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", EXPORT_FORMATS)
def test_export_leaves_the_old_file_on_a_full_disk(
    ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"windows{ending}"
    file.write_text("of before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # acts like a disk with this much space
    try:
        shown = refused([str(EXAMPLE), str(file)], capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"cannot write to {file}" in shown
    assert [path.read_text() for path in tmp_path.iterdir()] == ["of before"]


def test_export_refuses_a_path_that_cannot_be_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").mkdir()
    assert "exists and is not a regular file: name another file" in refused(
        [str(EXAMPLE), str(tmp_path / "a.csv")], capsys
    )
    assert "No such file or directory" in refused([str(EXAMPLE), str(tmp_path / "nowhere" / "b.csv")], capsys)
    assert "is not a folder" in refused([str(tmp_path / "none"), str(tmp_path / "c.csv")], capsys, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


# The notebook.


def test_notebook_shows_the_outputs_that_it_keeps() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docs.notebook", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(" 0 changed\n")
