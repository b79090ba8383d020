"""Results of load generators: real ones stay unmarked, and those made wrong on purpose are found.

The files in ``audit/`` are what wrk 4.1.0, ab 2.3, h2load 1.52, hey 0.1.4 and Locust 2.47 printed about nginx 1.22.1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadgen import Load
from loadgen.audit.checks import CHECKS, audit
from loadgen.audit.claim import Claim, Figure
from loadgen.audit.formats import read_claim
from loadgen.audit.numerals import figure, time
from loadgen.cli.export import to_dict
from loadgen.cli.main import main
from tests.support.exit_code import exit_code
from tests.support.load import histogram, made_result

FOLDER = Path(__file__).parent / "audit"
OHA = {
    "summary": {"total": 2.0, "slowest": 0.01, "fastest": 0.0001, "average": 0.0005, "requestsPerSec": 1000.0},
    "latencyPercentiles": {"p10": 0.0002, "p50": 0.0004, "p99": 0.002, "p99.9": None},
    "statusCodeDistribution": {"200": 2000},
    "errorDistribution": {},
}
K6 = {
    "metrics": {
        "http_req_duration": {"avg": 0.5, "min": 0.1, "med": 0.4, "max": 10, "p(90)": 0.8, "p(95)": 1.0},
        "http_reqs": {"count": 2000, "rate": 1000.0},
        "http_req_failed": {"passes": 0, "fails": 2000, "value": 0},
    }
}
VEGETA = {
    "latencies": {"mean": 5e5, "50th": 4e5, "90th": 8e5, "95th": 1e6, "99th": 2e6, "max": 1e7, "min": 1e5},
    "duration": 2e9,
    "requests": 2000,
    "rate": 1000.0,
    "status_codes": {"200": 2000},
}


def own(**changes: Any) -> dict[str, Any]:
    times = histogram([1_000_000] * 990 + [3_000_000] * 10)
    load = Load(host="127.0.0.1", port=1)
    fields = {"load": load, "wall_s": 1.02, "requests": 1000, "latency": times, "errors": {}}
    return to_dict(made_result(**(fields | changes)))


DOCUMENTS = {"gilbench load": own(), "oha": OHA, "k6": K6, "vegeta": VEGETA}


def codes(text: str) -> list[str]:
    return [one.code for one in audit(read_claim(text, "it"))]


def contradictions(text: str) -> list[str]:
    return [one.code for one in audit(read_claim(text, "it")) if one.contradicts]


@pytest.mark.parametrize(
    ("name", "tool", "notes"),
    [
        ("wrk.txt", "wrk", []),
        ("wrk-404.txt", "wrk", ["errors"]),
        ("h2load.txt", "h2load", []),
        ("ab.txt", "ab", ["rounding"]),  # replies of 0.1 ms in whole ms
        ("hey.txt", "hey", ["rounding"]),
        ("hey-rate.txt", "hey", ["beyond"]),  # of 100 requests
        ("locust_stats.csv", "Locust", ["beyond", "rounding"]),
    ],
)
def test_audit_leaves_real_results_unmarked(name: str, tool: str, notes: list[str]) -> None:
    claim = read_claim((FOLDER / name).read_text(encoding="utf-8"), name)
    assert claim.tool == tool
    assert claim.requests
    assert [one.code for one in audit(claim)] == notes


@pytest.mark.parametrize("tool", DOCUMENTS)
def test_audit_reads_documents(tool: str) -> None:
    claim = read_claim(json.dumps(DOCUMENTS[tool]), tool)
    assert claim.tool == tool
    assert claim.percentiles
    assert claim.mean
    assert not [one for one in audit(claim) if one.contradicts]


@pytest.mark.parametrize(
    ("name", "printed", "false", "code"),
    [
        ("wrk.txt", "Requests/sec: 132872.85", "Requests/sec: 232872.85", "rate"),
        ("wrk.txt", "45.72us   41.41us", "85.72us   41.41us", "too_many_clients"),
        ("wrk.txt", "90%   61.00us", "90%   41.00us", "order"),
        ("wrk.txt", "45.72us   41.41us", "21.72us   41.41us", "mean"),
        ("wrk.txt", "45.72us   41.41us", "45.72us  941.41us", "deviation"),
        ("wrk.txt", "2.02ms", "7.02s", "longest"),
        ("wrk.txt", "and 8 connections", "and 80 connections", "idle_clients"),
        ("ab.txt", "Requests per second:    126794.94", "Requests per second:    12679.49", "rate"),
        ("h2load.txt", "20000 done", "30000 done", "rate"),
        ("h2load.txt", "70us        16us", "90us        16us", "too_many_clients"),
        ("h2load.txt", "23us       400us", "23us       20us", "order"),
        ("hey.txt", "Average:	0.0002", "Average:	0.0102", "mean"),
        ("hey.txt", "Slowest:	0.0084", "Slowest:	9.0084", "longest"),
        ("hey.txt", "[200]	89132", "[200]	59132", "rate"),
        ("locust_stats.csv", "0.40462335065451005", "40.4", "mean"),
    ],
)
def test_audit_finds_figures_made_wrong(name: str, printed: str, false: str, code: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert printed in text
    found = codes(text.replace(printed, false))
    assert code in found
    assert code not in codes(text)


def changed(document: dict[str, Any], path: str, value: Any) -> str:
    copy = json.loads(json.dumps(document))
    *folders, last = path.split("/")
    place = copy
    for name in folders:
        place = place[name]
    place[last] = value
    return json.dumps(copy)


@pytest.mark.parametrize(
    ("document", "path", "value", "code"),
    [
        (own(), "throughput_rps", 2000.0, "rate"),
        (own(), "latency_ns/mean", 3_000_000, "mean"),
        (own(), "utilisation", 0.95, "generator"),
        (own(), "late_sends", 50, "generator"),
        (own(), "intended_rps", 2000.0, "reached"),
        (own(), "errors", {"reset": 3}, "errors"),
        (OHA, "latencyPercentiles/p99", 0.0001, "order"),
        (OHA, "errorDistribution", {"deadline": 10}, "errors"),
        (K6, "metrics/http_req_duration/avg", 0.01, "mean"),
        (K6, "metrics/dropped_iterations", {"count": 500}, "generator"),
        (K6, "metrics/http_req_failed", {"passes": 5, "fails": 1995}, "errors"),
        (VEGETA, "rate", 2000.0, "rate"),
        (VEGETA, "latencies/max", 9e9, "longest"),
        (VEGETA, "requests", 50, "beyond"),
    ],
)
def test_audit_finds_figures_made_wrong_in_documents(
    document: dict[str, Any], path: str, value: Any, code: str
) -> None:
    assert code in codes(changed(document, path, value))
    assert code not in codes(json.dumps(document))


def test_audit_checks_each_thing_it_names() -> None:
    assert len({code for code, _, _ in CHECKS}) == len(CHECKS)
    assert audit(Claim(tool="nothing")) == []


def test_audit_allows_for_rounding() -> None:
    coarse = {50.0: figure("1", 1e-3), 99.0: figure("1", 1e-3)}
    assert contradictions_of(Claim(tool="x", mean=Figure(0.0014), maximum=Figure(0.0015), percentiles=coarse)) == []
    assert contradictions_of(Claim(tool="x", mean=Figure(0.0016), maximum=Figure(0.0016), percentiles=coarse)) == [
        "mean"
    ]


def contradictions_of(claim: Claim) -> list[str]:
    return [one.code for one in audit(claim) if one.contradicts]


def test_figure_knows_the_unit_of_its_last_digit() -> None:
    assert (figure("1.50").value, figure("1.50").unit) == (1.5, 0.01)
    assert (figure("2e3").value, figure("2e3").unit) == (2000, 1000)
    assert (time("635.9us").low, time("635.9us").high) == pytest.approx((635.85e-6, 635.95e-6))


def test_cli_audits_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = FOLDER / "wrk.txt", tmp_path / "bad.txt"
    bad.write_text(good.read_text(encoding="utf-8").replace("132872.85", "232872.85"), encoding="utf-8")
    assert main(["audit", str(good)]) == 0
    assert "nothing found" in capsys.readouterr().out
    assert main(["audit", str(good), str(bad)]) == 1
    assert "cannot be: 279,050 requests in 2.1 s are 132,881.0/s, not 232,872.9/s" in capsys.readouterr().out
    assert main(["audit", str(bad), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["findings"][0]["code"] == "rate"


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"metrics": 5}', b'{"metrics": {}}']
)
def test_cli_refuses_what_is_no_result(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "result"
    path.write_bytes(content)
    code = exit_code(main, ["audit", str(path)])
    out, err = capsys.readouterr()
    if content == b'{"metrics": {}}':  # an empty result claims nothing
        assert code == 0
        return
    assert code == 2
    assert err.count("\n") == 1
    assert not out
