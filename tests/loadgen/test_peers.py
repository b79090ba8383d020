"""The comparison with other load generators: its arithmetic, and a short run of each on a real server."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.peers import plan, servers, table
from loadgen.peers.command import main
from loadgen.peers.compare import estimate, rows
from loadgen.peers.drivers.report import REQUEST, nearest_rank
from loadgen.peers.tools import TOOLS, Failed, drive
from loadgen.validation.responder import responder
from tests.support.examples import ANY_SPEED
from tests.support.reference import ROOT
from tests.support.tcp import closed_port
from tests.support.until import until


def cost(round_: int, tool: str, per_cpu_s: float, **changes: Any) -> plan.Record:
    about = {"kind": "cost", "round": round_, "server": "responder", "connections": 8, "tool": tool}
    return about | {"requests": per_cpu_s, "wall_s": 2.0, "cpu_s": 1.0, "p50_ns": 1e6, "p99_ns": 2e6} | changes


# Arithmetic.


@pytest.mark.parametrize(("number", "ranks"), [(5, None), (6, (1, 6)), (9, (2, 8)), (10, (2, 9)), (20, (6, 15))])
def test_estimate_has_the_interval_of_the_tables(number: int, ranks: tuple[int, int] | None) -> None:
    """The ranks agree with Conover's table, and any other, of confidence limits for the median."""
    found = estimate([float(value) for value in range(number, 0, -1)])
    assert found is not None
    assert found.median == (number + 1) / 2
    assert (found.low, found.high) == (ranks or (None, None))


@ANY_SPEED
@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=30))
def test_estimate_has_a_median_within_its_interval(values: list[float]) -> None:
    found = estimate(values)
    assert found is not None
    assert found.low is None or found.high is None or found.low <= found.median <= found.high


def test_estimate_and_nearest_rank_have_nothing_for_no_values() -> None:
    assert estimate([]) is None
    assert nearest_rank([], 50) is None
    assert [nearest_rank([1.0, 2.0, 3.0, 4.0], percent) for percent in (0, 50, 75, 99)] == [1.0, 2.0, 3.0, 4.0]


def test_rows_pairs_ratios_within_a_round() -> None:
    # The machine is half as fast in the second round; the ratio is 2 in both.
    records = [cost(0, "gilbench", 400), cost(0, "wrk", 200), cost(1, "gilbench", 200), cost(1, "wrk", 100)]
    records += [cost(2, "wrk", 7)]  # a round without ours has no ratio
    ours, wrk = rows(records, "responder", 8, ["gilbench", "wrk", "locust"])
    assert (ours.tool, ours.rounds, wrk.tool, wrk.rounds) == ("gilbench", 2, "wrk", 3)
    assert ours.ahead is not None
    assert wrk.ahead is not None
    assert (ours.ahead.median, wrk.ahead.median) == (1.0, 2.0)
    assert ours.throughput_rps == 150
    assert ours.busy == 0.5


def test_rows_leaves_failures_out_and_reports_them() -> None:
    records = [cost(0, "gilbench", 400), {**cost(0, "wrk", 1), "error": "wrk failed: no"}]
    _, wrk = rows(records, "responder", 8, ["gilbench", "wrk"])
    assert (wrk.rounds, wrk.per_cpu_s, wrk.ahead, wrk.errors) == (0, None, None, ("wrk failed: no",))
    assert "1 failed: wrk failed: no" in table.render(records, {}, {})


def test_table_names_tools_versions_and_figures() -> None:
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


def test_plan_gives_no_tool_more_connections_than_it_can_hold() -> None:
    few, many = plan.cells(["responder"], [8, 10_000], list(TOOLS))
    assert few.tools == tuple(TOOLS)
    assert set(many.tools) == {"gilbench", "floor", "c_loop", "wrk"}


def test_plan_knows_the_percentiles_of_a_server_that_stops() -> None:
    stall = next(known for known in plan.KNOWN if known.server == "stall")
    waits = sorted(max(0.0, 1.7 - at / 1000) if 1.2 <= at / 1000 < 1.7 else 0.0005 for at in range(3000))
    assert stall.p99_ns == pytest.approx(1e9 * waits[math.ceil(0.99 * len(waits)) - 1], rel=0.01)


# On real servers.


@pytest.mark.parametrize("tool", TOOLS)
def test_drive_returns_the_report_of_every_tool(tool: str) -> None:
    missing = TOOLS[tool].missing()
    assert (missing is None) == (tool != "wrk" or shutil.which("wrk") is not None)
    with responder(REQUEST, servers.REPLY) as port:
        if missing:
            with pytest.raises(Failed):
                drive(tool, port, 4, 1.0)
            return
        report = drive(tool, port, 4, 1.0 if tool == "wrk" else 0.3)  # wrk: whole seconds only
    assert report.requests > 0
    assert report.wall_s > 0
    assert report.cpu_s > 0
    assert (report.p50_ns is None) == (tool == "floor")
    if report.p50_ns is not None and report.p99_ns is not None:
        assert 0 <= report.p50_ns <= report.p99_ns
    assert TOOLS[tool].version()


@pytest.mark.parametrize("tool", [name for name, tool in TOOLS.items() if name != "wrk" or not tool.missing()])
def test_drive_raises_the_reason_why_a_tool_fails(tool: str) -> None:
    with closed_port() as port, pytest.raises(Failed, match=r"."):
        drive(tool, port, 2, 1.0)


def test_peers_measures_tools_and_servers_of_known_percentiles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "KNOWN", [one._replace(seconds=0.5) for one in plan.KNOWN if one.server == "stall"])
    chosen = ["--rounds", "1", "--connections", "2", "--tools", "gilbench,floor", "--servers", "responder"]
    code = main([*chosen, "--output", str(tmp_path / "out")])
    out, err = capsys.readouterr()
    assert "known answers: stall, gilbench" in err
    assert out == (tmp_path / "out" / "peers.md").read_text(encoding="utf-8")
    head, *records = map(json.loads, (tmp_path / "out" / "peers.jsonl").read_text(encoding="utf-8").splitlines())
    assert head["versions"]["gilbench"] == sys.version.split()[0]
    assert [r["tool"] for r in records if r["kind"] == "cost"] in (["gilbench", "floor"], ["floor", "gilbench"])
    known = {(r["server"], r["rate_rps"]): r for r in records if r["kind"] == "known"}
    assert set(known) == {("stall", 1000.0), ("stall", None)}
    assert code == 0
    assert min(record["p50_ns"] for record in known.values()) >= servers.STALL_REPLY_S * 1e9
    late = known["stall", 1000.0]["late"]  # on a slow machine; shown next to the figures, which include them
    assert ("sent late" in out) == bool(late)
    for name in ("peers.svg", "peers.png"):
        assert (tmp_path / "out" / name).stat().st_size > 5000


@pytest.mark.parametrize("name", servers._OWN)
def test_servers_answer_with_the_reply(name: str) -> None:
    with servers._OWN[name]() as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(REQUEST)
        assert connection.recv(1024) == servers.REPLY


def test_peers_keeps_on_ctrl_c_what_was_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "peers", "--tools", "gilbench", "--servers", "responder"]
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
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert "gilbench" in out


@pytest.mark.parametrize(
    "arguments",
    [["--connections", "0"], ["--connections", "x"], ["--tools", "siege"], ["--servers", "apache"], ["--rounds", "0"]],
)
def test_peers_refuses_invalid_options_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_peers_names_a_server_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(servers, "_nginx", lambda: None)
    assert main(["--servers", "nginx"]) == 2
    assert "nginx is not installed" in capsys.readouterr().err


def test_servers_starts_and_ends_nginx() -> None:
    if servers.missing("nginx"):
        with pytest.raises(Exception, match="nginx is not installed"), servers.nginx():
            pass
        return
    with servers.nginx() as port:
        assert drive("gilbench", port, 2, 0.3).requests > 0
    with pytest.raises(Failed):
        drive("floor", port, 2, 1.0)
