"""Comparison of interpreters and runs: ratios, verdicts, the gate, the formats and the errors.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis.comparison import compare_interpreters, compare_runs
from bench.analysis.load import read_run
from bench.analysis.metrics import METRICS
from bench.analysis.overall import overall
from bench.analysis.verdict import Verdict, judge
from bench.analysis.verdict_counts import count_verdicts
from bench.cli import compare
from bench.report.comparison import COMPARISON_FORMATS, LEFT_OUT_SHOWN, notes
from bench.stats import ratios
from bench.stats.ratios import Ratio
from loadgen.histograms.histogram import Histogram, bucket_index
from tests.support.made import Made

KEYS = {"cell", "metric", "baseline", "candidate", "ratio", "low", "high", "p_adjusted", "verdict"}


def faster(share: float, passes: int = 8, noise: float = 0.004, interpreter: str = "3.13t", **fields: object) -> Made:
    """Make a run in which one interpreter is faster than the other on cpu, by ``share``."""
    rates = {
        ("threaded", "cpu", 4, name, pass_): 1000.0
        * (1 + share * (name == interpreter))
        * (1 + noise * ((pass_ * 7) % 5 - 2))
        for pass_ in range(passes)
        for name in ("3.13", "3.13t")
    }
    # Both sides of a pass drift together; they differ little.
    rates |= {key: rate * (1.0005 if key[4] % 2 else 1) for key, rate in rates.items() if key[3] == interpreter}
    settings: dict[str, object] = {"models": ("threaded",), "workloads": ("cpu",), "clients": (4,), "passes": passes}
    return Made(rates=rates, **(settings | fields))  # type: ignore[arg-type]


def test_comparison_finds_a_difference_and_its_size(tmp_path: Path) -> None:
    found = compare_interpreters(read_run(faster(0.03).write(tmp_path / "run")))
    row = next(row for row in found.rows if row.metric == "throughput")
    assert (row.group.name, row.baseline, row.candidate) == ("threaded-cpu-4", "3.13", "3.13t")
    assert row.ratio.low <= 1.03 <= row.ratio.high
    assert row.verdict is Verdict.FASTER
    assert row.ratio.launches == 8
    assert row.paired
    assert math.isnan(row.minutes)


def test_comparison_gives_a_pair_the_same_answer_whichever_others_are_compared(tmp_path: Path) -> None:
    names = ("3.13", "3.13t", "3.14")
    rates = {
        (model, workload, clients, name, pass_): (1000.0 + 20 * size)
        * (1 + 0.002 * clients * ((pass_ * (7 + size)) % 5 - 2))
        for model in ("serial", "threaded")
        for workload in ("io", "cpu")
        for clients in (1, 4)
        for size, name in enumerate(names)
        for pass_ in range(3)
    }
    run = Made(("serial", "threaded"), ("io", "cpu"), (1, 4), names, 3, rates=rates).load(tmp_path / "run")
    every = compare_interpreters(run)
    for name in names[1:]:
        alone = compare_interpreters(run, candidate=name)
        together = [row for row in every.rows if row.candidate == name]
        assert [row.to_dict() for row in alone.rows] == [row.to_dict() for row in together]
        assert [row for row in every.slower_than(0.0) if row.candidate == name] == alone.slower_than(0.0)
    assert len({row.p_adjusted / row.p for row in every.rows if row.metric == "throughput"}) > 1  # was corrected


def test_comparison_inverts_when_its_sides_are_swapped(tmp_path: Path) -> None:
    run = read_run(faster(0.03).write(tmp_path / "run"))
    one, other = compare_interpreters(run).rows[0], compare_interpreters(run, baseline="3.13t").rows[0]
    assert (other.baseline, other.candidate, other.verdict) == ("3.13t", "3.13", Verdict.SLOWER)
    assert one.ratio.ratio * other.ratio.ratio == pytest.approx(1)


def test_comparison_calls_a_lower_latency_faster(tmp_path: Path) -> None:
    rows = compare_interpreters(
        read_run(Made(models=("threaded",), workloads=("cpu",), clients=(8,)).write(tmp_path / "run"))
    ).rows
    verdicts = {row.metric: (row.ratio.ratio > 1, row.verdict) for row in rows}
    assert verdicts["throughput"] == (True, Verdict.FASTER)
    assert verdicts["latency_p50"] == (False, Verdict.FASTER)
    assert list(dict.fromkeys(row.metric for row in rows)) == list(METRICS)


@pytest.mark.parametrize(
    ("low", "high", "p", "answer"),
    [
        (1.02, 1.04, 0.001, Verdict.FASTER),
        (0.96, 0.98, 0.001, Verdict.SLOWER),
        (0.995, 1.005, 0.9, Verdict.SAME),
        (1.002, 1.008, 0.001, Verdict.SAME),
        (0.97, 1.03, 0.9, Verdict.UNDECIDED),
        (1.02, 1.04, 0.06, Verdict.UNDECIDED),
    ],
)
def test_judge_reaches_each_of_four_verdicts(low: float, high: float, p: float, answer: Verdict) -> None:
    ratio = Ratio(math.sqrt(low * high), low, high, 9, 0.01, 8)
    assert judge(ratio, p, 0.95, 0.01, more=True) is answer


def test_comparison_has_no_verdict_and_no_interval_from_one_launch(tmp_path: Path) -> None:
    row = compare_interpreters(read_run(faster(0.5, passes=1).write(tmp_path / "run"))).rows[0]
    assert row.verdict is Verdict.UNDECIDED
    fields = row.to_dict()
    assert (fields["low"], fields["high"], fields["p_adjusted"]) == (None, None, None)
    for shown in COMPARISON_FORMATS.values():
        assert "nan" not in shown(compare_interpreters(read_run(tmp_path / "run"))).lower()


def test_comparison_estimates_the_minutes_that_an_undecided_cell_needs(tmp_path: Path) -> None:
    run = read_run(
        Made(models=("serial",), workloads=("echo",), noise=0.1, meta={"elapsed_s": 60}).write(tmp_path / "r")
    )
    rows = [row for row in compare_interpreters(run).rows if row.verdict is Verdict.UNDECIDED]
    assert rows
    assert all(row.minutes > 0 for row in rows)


def test_comparison_takes_percentiles_over_all_requests_of_a_launch(tmp_path: Path) -> None:
    def latencies(*values: int) -> str:
        histogram = Histogram()
        for value in values:
            histogram.counts[bucket_index(value)] += 1
        return histogram.encode()

    # The median of 100 requests at 1 ms and 40 at 9 ms is 1 ms; the mean of both windows' medians would be 5.
    made = Made(models=("serial",), workloads=("cpu",), clients=(4,), passes=2)
    records = [
        replace(one, round_=round_, latency_hdr=latencies(*([slow] * count)))
        for one in made.records()
        for round_, (slow, count) in enumerate(
            [(1_000_000 * (2 if one.interpreter == "3.13t" else 1), 100), (9_000_000, 40)]
        )
    ]
    folder = made.write(tmp_path / "run")
    (folder / "records.jsonl").write_text("".join(one.to_json() + "\n" for one in records), encoding="utf-8")
    rows = {row.metric: row.ratio.ratio for row in compare_interpreters(read_run(folder)).rows}
    assert rows["latency_p50"] == pytest.approx(2, rel=0.002)
    assert rows["latency_p99"] == pytest.approx(1, rel=0.002)


def test_comparison_includes_the_counting_error(tmp_path: Path) -> None:
    rates = {("serial", "io", 8, name, p): rate for name, rate in (("3.13", 185.0), ("3.13t", 183.0)) for p in range(3)}
    run = read_run(Made(models=("serial",), workloads=("io",), clients=(8,), rates=rates).write(tmp_path / "run"))
    row = compare_interpreters(run).rows[0]
    assert (
        row.ratio.error
        >= ratios.counting_error(*run.windows.groupby("interpreter")["requests"].mean()) / 3**0.5 * 0.999
    )
    assert row.verdict is Verdict.UNDECIDED


def test_comparison_counts_disturbed_windows_and_reports_their_effect(tmp_path: Path) -> None:
    made = faster(0.03)
    records = [
        replace(one, throughput_rps=one.throughput_rps / 2, warnings=[{"code": "steal", "share": 0.3}])
        if one.pass_ == 3 and one.interpreter == "3.13t"
        else one
        for one in made.records()
    ]
    folder = made.write(tmp_path / "run")
    (folder / "records.jsonl").write_text("".join(one.to_json() + "\n" for one in records), encoding="utf-8")
    found = compare_interpreters(read_run(folder))
    row = found.rows[0]
    assert row.ratio.launches == 8, "never dropped"
    assert row.marked == 1 / 16
    assert row.undisturbed == pytest.approx(1.03, abs=0.002)
    assert row.ratio.ratio < 0.97
    shown = " ".join(COMPARISON_FORMATS["terminal"](found).split())
    assert "all included; without them ratios would change by up to 9" in shown
    apart = compare_runs(read_run(made.write(tmp_path / "other")), read_run(folder))
    disturbed = [row for row in apart.rows if row.marked]
    assert [row.candidate[-5:] for row in disturbed if row.metric == "throughput"] == ["3.13t"]
    assert disturbed[0].marked == 1 / 16
    assert disturbed[0].undisturbed == pytest.approx(1, abs=0.005)


def test_comparison_widens_intervals_of_a_run_that_could_stop_early(tmp_path: Path) -> None:
    plain, interim = (
        compare_interpreters(read_run(faster(0.03, meta={"plan": plan}).write(tmp_path / name))).rows[0]
        for name, plan in (("plain", {}), ("interim", {"precision": 0.01}))
    )
    assert interim.confidence == ratios.interim_confidence()
    assert interim.ratio.precision > 1.1 * plain.ratio.precision


def test_comparison_counts_launches_rather_than_rounds(tmp_path: Path) -> None:
    made = faster(0.03, passes=4)
    once = made.records()
    made.write(tmp_path / "run")
    lines = [replace(record, round_=round_).to_json() + "\n" for record in once for round_ in range(3)]
    (tmp_path / "run" / "records.jsonl").write_text("".join(lines), encoding="utf-8")
    assert compare_interpreters(read_run(tmp_path / "run")).rows[0].ratio.launches == 4


def test_comparison_of_two_runs_is_unpaired_and_says_so(tmp_path: Path) -> None:
    one, other = (read_run(faster(share).write(tmp_path / name)) for name, share in (("A", 0.0), ("B", 0.08)))
    found = compare_runs(one, other)
    row = next(row for row in found.rows if row.metric == "throughput" and row.candidate.endswith(":3.13t"))
    assert not row.paired
    assert row.ratio.low <= 1.08 <= row.ratio.high
    assert row.ratio.precision > 2 * compare_interpreters(other).rows[0].ratio.precision
    assert "not measured side by side" in COMPARISON_FORMATS["terminal"](found)


OTHER_MACHINE = {"machine": {"cpu_model": "ARM Neoverse", "arch": "aarch64", "cpus": 64}}


@pytest.fixture
def two_machines(tmp_path: Path) -> tuple[Path, Path]:
    return (
        faster(0.0).write(tmp_path / "A"),
        faster(-0.2, meta=OTHER_MACHINE).write(tmp_path / "B"),
    )


@pytest.mark.parametrize("kind", COMPARISON_FORMATS)
def test_comparison_says_in_every_format_in_what_the_machines_differ(
    kind: str, two_machines: tuple[Path, Path]
) -> None:
    written = COMPARISON_FORMATS[kind](compare_runs(read_run(two_machines[0]), read_run(two_machines[1])))
    text = " ".join(written.replace("\\", "").split())  # without Markdown's escapes
    for differs in ("architecture: x86_64 and aarch64", "processor: AMD EPYC and ARM Neoverse", "CPUs: 2 and 64"):
        assert differs in text


def test_compare_judges_runs_of_different_machines_only_if_asked_to(
    two_machines: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*map(str, two_machines), "--fail-slower", "5%"]
    assert compare.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "different machines (architecture: x86_64 and aarch64" in said.err
    assert "--across-machines" in said.err
    assert compare.main([*words, "--across-machines"]) == 1
    assert compare.main(words[:2]) == 0


def test_compare_judges_runs_of_the_same_machine(tmp_path: Path) -> None:
    folders = [str(faster(share).write(tmp_path / name)) for name, share in (("A", 0.0), ("B", 0.0))]
    assert compare.main([*folders, "--fail-slower", "50%"]) == 0


def test_notes_list_cells_that_only_one_run_has(tmp_path: Path) -> None:
    one = read_run(faster(0.0).write(tmp_path / "A"))
    other = read_run(faster(0.0, workloads=("cpu", "io")).write(tmp_path / "B"))
    found = compare_runs(one, other)
    assert any("threaded-io-4-3.13" in what for what in found.left_out)
    (shown,) = (note for note in notes(found) if note.startswith("Left out"))
    assert shown.startswith(f"Left out, only in {other.name}: ")
    assert shown.count("-io-") == min(LEFT_OUT_SHOWN, len(found.left_out))
    assert ("more" in shown) == (len(found.left_out) > LEFT_OUT_SHOWN)


def test_compare_marks_figures_of_different_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interpreters = {"3.13": {"compiler": "GCC 12", "pgo": True}, "3.13t": {"compiler": "Clang 18", "pgo": True}}
    folder = faster(0.03, meta={"interpreters": interpreters}).write(tmp_path / "run")
    found = compare_interpreters(read_run(folder))
    assert all(row.differs == ("compiler",) for row in found.rows)
    shown = COMPARISON_FORMATS["terminal"](found)
    assert shown.splitlines()[0].rstrip() == "In short: 3.13t / 3.13 ≠"
    assert shown.count(" ≠") == 1
    assert compare.main([str(folder), "--require-same-build"]) == 2
    assert "differ in compiler" in capsys.readouterr().err


def test_compare_marks_figures_of_different_versions_of_a_server(tmp_path: Path) -> None:
    versions = {"3.13": "2.8.9", "3.13t": "2.7.9"}
    deployed = {name: {"processes": 1, "workers": 2, "packages": {"granian": each}} for name, each in versions.items()}
    run = read_run(faster(0.03, meta={"deployed": {"threaded": deployed}}).write(tmp_path / "run"))
    found = compare_interpreters(run)
    assert all(row.differs == ("packages",) for row in found.rows)
    assert "(versions of the server's packages)" in "".join(notes(found))


def test_overall_is_one_figure_with_an_interval_over_passes(tmp_path: Path) -> None:
    run = read_run(Made(models=("threaded", "asyncio"), workloads=("cpu",), passes=6).write(tmp_path / "run"))
    found = overall(run, "3.13t", "3.13")
    rows = compare_interpreters(run, metrics=("throughput",)).rows
    assert found is not None
    assert found.ratio == pytest.approx(math.prod(row.ratio.ratio for row in rows) ** (1 / len(rows)))
    assert found.launches == 6
    assert found.low < found.ratio < found.high
    back = overall(run, "3.13", "3.13t")
    assert back is not None
    assert back.ratio == pytest.approx(1 / found.ratio)
    assert overall(run, "3.13t", "2.7") is None


def test_count_verdicts_count_each_verdict_next_to_the_mean(tmp_path: Path) -> None:
    made = Made(models=("threaded", "asyncio"), workloads=("cpu",), interpreters=("3.9", "3.13", "3.13t"), passes=6)
    run = read_run(made.write(tmp_path / "run"))
    found = compare_interpreters(run, "3.13")
    shown = list(count_verdicts(found))
    assert [(one.candidate, one.metric) for one in shown] == list(itertools.product(("3.9", "3.13t"), METRICS))
    for one in shown:
        rows = [row for row in found.rows if (row.candidate, row.metric) == (one.candidate, one.metric)]
        assert one.cells == {verdict: sum(row.verdict is verdict for row in rows) for verdict in Verdict}
        assert sum(one.cells.values()) == 2 * 3
        assert one.mean == overall(run, one.candidate, "3.13", one.metric)
    assert shown[len(METRICS)].cells[Verdict.FASTER] == 2  # threaded, computing, with several clients
    line = shown[len(METRICS)]
    figures = " ".join(map(str, line.cells.values()))
    assert line.mean is not None
    words = [" ".join(row.split()) for row in COMPARISON_FORMATS["terminal"](found).splitlines()]
    mean = f"{line.mean.ratio:.3f} [{line.mean.low:.3f}, {line.mean.high:.3f}]"
    assert f"throughput {figures} {mean}" in words
    assert f"| throughput | {figures.replace(' ', ' | ')} | {mean} |" in COMPARISON_FORMATS["markdown"](found)
    assert f"<td>{mean}</td>" in COMPARISON_FORMATS["html"](found)


def test_count_verdicts_have_no_mean_between_runs(tmp_path: Path) -> None:
    one, other = (read_run(faster(gain).write(tmp_path / f"{gain}")) for gain in (0.0, 0.03))
    assert {one.mean for one in count_verdicts(compare_runs(one, other))} == {None}


# The command.


def test_compare_fails_only_on_a_significant_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clear = str(faster(-0.08).write(tmp_path / "clear"))
    noisy = str(faster(-0.06, passes=2).write(tmp_path / "noisy"))
    assert compare.main([clear, "--fail-slower", "5%"]) == 1
    assert "slower than 3.13 by more than 5.00%" in capsys.readouterr().err
    assert compare.main([clear, "--fail-slower", "9%"]) == 0
    assert compare.main([noisy, "--fail-slower", "5.9%"]) == 0


def test_compare_writes_json_with_an_object_per_cell_and_metric(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(faster(0.03).write(tmp_path / "run"))
    assert compare.main([folder, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(METRICS)
    assert all(row.keys() >= KEYS for row in rows)
    assert rows[0]["cell"] == "threaded-cpu-4"
    assert {row["verdict"] for row in rows} <= {"faster", "slower", "same", "undecided"}
    assert compare.main([folder, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows, "the same records give the same figures, to the last digit"


def test_compare_escapes_names(tmp_path: Path) -> None:
    evil = "<b>|*x*"
    made = faster(0.03, interpreter=evil)
    records = [
        replace(one, interpreter=evil if one.interpreter == "3.13t" else one.interpreter) for one in made.records()
    ]
    folder = made.write(tmp_path / "run")
    (folder / "records.jsonl").write_text("".join(one.to_json() + "\n" for one in records), encoding="utf-8")
    found = compare_interpreters(read_run(folder))
    assert "<b>" not in COMPARISON_FORMATS["html"](found)
    assert "\\<b\\>\\|\\*x\\*" in COMPARISON_FORMATS["markdown"](found)
    assert "<script" not in COMPARISON_FORMATS["html"](found)


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (["nowhere"], 2, "is not a folder"),
        (["RUN", "--baseline", "2.7"], 2, "has no interpreter 2.7: choose from 3.13, 3.13t"),
        (["RUN", "RUN", "RUN"], 2, "give two runs"),
        (["RUN", "RUN", "--baseline", "3.13"], 2, "give two runs"),
        (["RUN", "--output", "/no/such/folder/x"], 1, "cannot write to"),
    ],
)
def test_compare_explains_in_one_line_what_it_cannot_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, shown: str
) -> None:
    folder = str(faster(0.03).write(tmp_path / "run"))
    assert compare.main([folder if one == "RUN" else one for one in arguments]) == code
    error = capsys.readouterr().err
    assert shown in error
    assert error.count("\n") == 1


def test_compare_refuses_a_share_without_a_percent_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        compare.main([str(tmp_path), "--fail-slower", "5"])
    assert "invalid share '5': use a percentage such as 5%" in capsys.readouterr().err


def test_compare_refuses_a_run_of_one_interpreter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = faster(0.0, interpreters=("3.13",)).write(tmp_path / "run")
    assert compare.main([str(folder)]) == 2
    assert "only one interpreter" in capsys.readouterr().err
