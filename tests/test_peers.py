"""The comparison with other load generators: its arithmetic, and each of them on a real server."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.peers import plan, servers, table
from loadgen.peers.__main__ import main
from loadgen.peers.compare import estimate, rows
from loadgen.peers.drivers.report import REQUEST, nearest_rank
from loadgen.peers.tools import TOOLS, Failed, drive
from loadgen.responder import responder
from tests.support.reference import ROOT
from tests.support.until import until
from tests.test_loadgen import closed_port


def cost(round_: int, tool: str, per_cpu_s: float, **changes: Any) -> plan.Record:
    about = {"kind": "cost", "round": round_, "server": "responder", "connections": 8, "tool": tool}
    return about | {"requests": per_cpu_s, "wall_s": 2.0, "cpu_s": 1.0, "p50_ns": 1e6, "p99_ns": 2e6} | changes


# Arithmetic.


@pytest.mark.parametrize(("number", "ranks"), [(5, None), (6, (1, 6)), (9, (2, 8)), (10, (2, 9)), (20, (6, 15))])
def test_the_interval_of_a_median_is_that_of_the_tables(number: int, ranks: tuple[int, int] | None) -> None:
    """Ranks as in Conover's, and any other, table of confidence limits for the median."""
    found = estimate([float(value) for value in range(number, 0, -1)])
    assert found is not None
    assert found.median == (number + 1) / 2
    assert (found.low, found.high) == (ranks or (None, None))


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=30))
def test_an_interval_holds_its_median(values: list[float]) -> None:
    found = estimate(values)
    assert found is not None
    assert found.low is None or found.high is None or found.low <= found.median <= found.high


def test_nothing_has_no_median() -> None:
    assert estimate([]) is None
    assert nearest_rank([], 50) is None
    assert [nearest_rank([1.0, 2.0, 3.0, 4.0], percent) for percent in (0, 50, 75, 99)] == [1.0, 2.0, 3.0, 4.0]


def test_ratios_are_paired_within_a_round() -> None:
    # The machine is half as fast in the second round; the ratio is 2 in both.
    records = [cost(0, "gilbench", 400), cost(0, "wrk", 200), cost(1, "gilbench", 200), cost(1, "wrk", 100)]
    records += [cost(2, "wrk", 7)]  # a round without ours says nothing of the ratio
    ours, wrk = rows(records, "responder", 8, ["gilbench", "wrk", "locust"])
    assert (ours.tool, ours.rounds, wrk.tool, wrk.rounds) == ("gilbench", 2, "wrk", 3)
    assert ours.ahead is not None
    assert wrk.ahead is not None
    assert (ours.ahead.median, wrk.ahead.median) == (1.0, 2.0)
    assert ours.throughput_rps == 150
    assert ours.busy == 0.5


def test_what_failed_is_told_and_counts_for_nothing() -> None:
    records = [cost(0, "gilbench", 400), {**cost(0, "wrk", 1), "error": "wrk failed: no"}]
    _, wrk = rows(records, "responder", 8, ["gilbench", "wrk"])
    assert (wrk.rounds, wrk.per_cpu_s, wrk.ahead, wrk.errors) == (0, None, None, ("wrk failed: no",))
    assert "1 failed: wrk failed: no" in table.render(records, {}, {})


def test_the_table_names_everything() -> None:
    records = [cost(r, tool, 1000 + r) for r in range(7) for tool in ("gilbench", "wrk")]
    known = {"kind": "known", "server": "stall", "connections": 256, "tool": "gilbench", "rate_rps": 1000.0}
    records += [known | {"requests": 1, "wall_s": 1.0, "cpu_s": 1.0, "p50_ns": 5e5, "p99_ns": 4.7e8}]
    text = table.render(records, {"locust": "Locust is not installed"}, {"wrk": "4.2"})
    assert "Missing: Locust is not installed." in text
    assert "Versions: wrk 4.2." in text
    assert "open, 1,000/s" in text
    assert "470.0 ms" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines[:4]}) == 1


def test_nobody_is_asked_for_more_than_he_can() -> None:
    few, many = plan.cells(["responder"], [8, 10_000], list(TOOLS))
    assert few.tools == tuple(TOOLS)
    assert set(many.tools) == {"gilbench", "floor", "wrk"}


def test_users_of_a_server_that_stops_see_what_arithmetic_says() -> None:
    stall = next(known for known in plan.KNOWN if known.server == "stall")
    waits = sorted(max(0.0, 1.7 - at / 1000) if 1.2 <= at / 1000 < 1.7 else 0.0005 for at in range(3000))
    assert stall.p99_ns == pytest.approx(1e9 * waits[math.ceil(0.99 * len(waits)) - 1], rel=0.01)


# On real servers.


@pytest.mark.quiet
@pytest.mark.parametrize("tool", TOOLS)
def test_a_generator_tells_what_it_did(tool: str) -> None:
    missing = TOOLS[tool].missing()
    assert (missing is None) == (tool != "wrk" or shutil.which("wrk") is not None)
    with responder(REQUEST, servers.REPLY) as port:
        if missing:
            with pytest.raises(Failed):
                drive(tool, port, 4, 1.0)
            return
        report = drive(tool, port, 4, 1.0)
    assert report.requests > 500
    assert report.wall_s == pytest.approx(1.0, abs=0.4)
    assert 0 < report.cpu_s < 1.6
    assert (report.p50_ns is None) == (tool == "floor")
    if report.p50_ns is not None and report.p99_ns is not None:
        assert 0 <= report.p50_ns <= report.p99_ns < 1e9
    assert TOOLS[tool].version()


@pytest.mark.parametrize("tool", [name for name, tool in TOOLS.items() if name != "wrk" or not tool.missing()])
def test_a_generator_that_fails_says_why(tool: str) -> None:
    with closed_port() as port, pytest.raises(Failed, match=r"."):
        drive(tool, port, 2, 1.0)


@pytest.mark.quiet
def test_a_small_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--rounds", "1", "--connections", "2", "--tools", "gilbench,floor", "--servers", "responder"]
    assert main([*chosen, "--output", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "known answers: stall, gilbench" in err
    assert out == (tmp_path / "out" / "peers.md").read_text(encoding="utf-8")
    head, *records = map(json.loads, (tmp_path / "out" / "peers.jsonl").read_text(encoding="utf-8").splitlines())
    assert head["versions"]["gilbench"] == sys.version.split()[0]
    assert [r["tool"] for r in records if r["kind"] == "cost"] in (["gilbench", "floor"], ["floor", "gilbench"])
    told = {(r["server"], r["rate_rps"]): r for r in records if r["kind"] == "known"}
    assert set(told) == {("delays", None), ("stall", 1000.0), ("stall", None)}
    assert told["delays", None]["p99_ns"] == pytest.approx(50e6, rel=0.05)
    assert told["stall", 1000.0]["p99_ns"] == pytest.approx(470e6, rel=0.05)
    assert told["stall", None]["p99_ns"] < 100e6  # a closed loop does not see it
    for name in ("peers.svg", "peers.png"):
        assert (tmp_path / "out" / name).stat().st_size > 5000


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loadgen.peers", "--tools", "gilbench", "--servers", "responder"]
    with subprocess.Popen(
        [*command, "--connections", "2", "--output", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        kept = tmp_path / "peers.jsonl"
        assert until(lambda: kept.exists() and len(kept.read_text(encoding="utf-8").splitlines()) > 1)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert "gilbench" in out


@pytest.mark.parametrize(
    "arguments",
    [["--connections", "0"], ["--connections", "x"], ["--tools", "siege"], ["--servers", "apache"], ["--rounds", "0"]],
)
def test_wrong_options_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(servers, "_nginx", lambda: None)
    with pytest.raises(SystemExit) as ended:
        main(["--servers", "nginx"])
    assert ended.value.code == 2
    assert "nginx is not installed" in capsys.readouterr().err


def test_nginx_is_started_and_ended_where_there_is_one() -> None:
    if servers.missing("nginx"):
        with pytest.raises(Exception, match="there is no nginx"), servers.nginx():
            pass
        return
    with servers.nginx() as port:
        assert drive("gilbench", port, 2, 1.0).requests > 100
    with pytest.raises(Failed):
        drive("floor", port, 2, 1.0)
