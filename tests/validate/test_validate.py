"""Validation: verdicts by calculation and simulation, the suite on a scripted machine, and the command.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.analysis.validation import Validation, load_validation
from bench.cli.report import main as report
from bench.cli.report_validation import main as show
from bench.cli.validate import main
from bench.errors import GilbenchError
from bench.interpreters.discovery import extremes
from bench.interpreters.interpreter import Interpreter
from bench.narrative import validation as words
from bench.paths import ROOT
from bench.schema import run_meta
from bench.schema.validation_meta import DisturbedAbove, ValidationMeta
from bench.stats.agreement import INTERIM_COUNTS, Verdict, estimate, frequency, judge
from bench.validate.folder import Folder
from bench.validate.host import STEAL_ABOVE, HostLoad, HostObserver
from bench.validate.studies import all_studies, waits, work
from bench.validate.studies import load as load_studies
from bench.validate.studies import ratios as ratio_studies
from bench.validate.study import Gap, Known, Observations, Observed, Row, Study
from bench.validate.suite import FAILURES, Suite
from loadgen.host.host_load import MachineTime
from loadgen.validation.warning_codes import FOREIGN_CORES_ABOVE
from tests.support.builds import made_build
from tests.support.exit_code import exit_code
from tests.support.interpreters import FEW_PYTHONS, chosen, found
from tests.support.until import until

# Verdicts.


def test_estimate_has_students_interval() -> None:
    shown = estimate([1.0, 2.0, 3.0, 4.0])
    assert shown.mean == 2.5
    assert shown.half == pytest.approx(3.182446 * 1.290994 / 2, rel=1e-6)  # t(0.975, 3) s / sqrt(n)
    assert math.isnan(estimate([1.0]).low)
    assert math.isnan(estimate([]).mean)


def test_frequency_has_clopper_and_pearsons_interval() -> None:
    shown = frequency([1.0] * 19 + [0.0], 0.95)
    assert shown.mean == pytest.approx(0.0)
    assert (shown.low + 0.95, shown.high + 0.95) == pytest.approx((0.751267, 0.998735), abs=1e-6)


def test_estimate_covers_the_truth_95_times_in_100() -> None:
    drawn = np.random.default_rng(3).normal(size=(4000, INTERIM_COUNTS[0])).tolist()
    held = sum(shown.low <= 0 <= shown.high for shown in map(estimate, drawn))
    assert held / 4000 == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(
    ("values", "bound", "verdict"),
    [
        ([0.01, -0.01, 0.0, 0.01], 0.1, Verdict.AGREES),
        ([5.01, 5.0, 4.99, 5.0], 0.1, Verdict.DISAGREES),
        ([-5.01, -5.0, -4.99, -5.0], 0.1, Verdict.DISAGREES),
        ([0.01, -0.01], 0.1, Verdict.DISTURBED),  # fewer than the first analysis needs
        ([0.3, -0.3, 0.2, -0.1], 0.1, Verdict.DISTURBED),  # too wide
        ([0.09, 0.11, 0.1, 0.1], 0.1, Verdict.DISTURBED),  # across the bound
        ([0.0] * 4, 0.0, Verdict.AGREES),
        ([1.0] * 4, 0.0, Verdict.DISAGREES),
        ([], 1.0, Verdict.DISTURBED),
    ],
)
def test_judge_gives_each_verdict(values: list[float], bound: float, verdict: Verdict) -> None:
    judged = judge(values, [0.0] * len(values), bound, yes_or_no=False, rows=50)
    assert judged.verdict is verdict
    assert judged.settled == (verdict is not Verdict.DISTURBED)


def test_judge_subtracts_each_observations_own_truth() -> None:
    assert judge([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], 0.01, yes_or_no=False, rows=1).verdict is Verdict.AGREES


def test_judge_judges_frequencies_of_yes_and_no() -> None:
    def verdict(hits: int, n: int) -> Verdict:
        return judge([1.0] * hits + [0.0] * (n - hits), [0.95] * n, 0.15, yes_or_no=True, rows=10).verdict

    assert verdict(40, 40) is Verdict.AGREES
    assert verdict(20, 40) is Verdict.DISAGREES
    assert verdict(4, 4) is Verdict.DISTURBED


def test_judge_waits_for_the_next_analysis() -> None:
    wide = [0.3, -0.3, 0.2]
    assert not judge([*wide, 0.0], [0.0] * 4, 0.2, yes_or_no=False, rows=1).settled
    exhausted = [(-1.0) ** n for n in range(INTERIM_COUNTS[-1])]
    judged = judge(exhausted, [0.0] * len(exhausted), 0.01, yes_or_no=False, rows=1)
    assert (judged.verdict, judged.settled) == (Verdict.DISTURBED, True)


def test_judge_corrects_for_rows_and_analyses() -> None:
    def verdict(values: list[float], rows: int) -> Verdict:
        return judge(values, [0.0] * 5, 0.1, yes_or_no=False, rows=rows).verdict

    near = [0.107, 0.127, 0.112, 0.117, 0.115]
    assert estimate(near).outside(0.1)
    assert verdict(near, rows=1) is Verdict.DISTURBED
    far = [value + 0.02 for value in near]
    assert verdict(far, rows=1) is Verdict.DISAGREES
    assert verdict(far, rows=1000) is Verdict.DISTURBED


def test_judge_seldom_disagrees_where_all_is_right() -> None:
    """Of 100 suites of 20 rows, each judged at every interim analysis, at most 1 in 20 has a false verdict."""
    draw = np.random.default_rng(5)
    alarms = 0
    for _ in range(100):
        rows = draw.normal(0.0, 1.0, (20, INTERIM_COUNTS[4]))
        verdicts = [
            judge(row[:count].tolist(), [0.0] * count, 0.0, yes_or_no=False, rows=20).verdict
            for row in rows
            for count in INTERIM_COUNTS[:5]
        ]
        alarms += Verdict.DISAGREES in verdicts
    assert alarms <= 0.05 * 100


# The suite, on a machine and a clock that the test moves.


class Machine:
    """A machine whose clock advances by 1 s at each observation, and the disturbance of each observation."""

    def __init__(self, foreign_cores: Iterator[float] | None = None) -> None:
        self.now_s = 0.0
        self._foreign = foreign_cores or itertools.repeat(0.0)

    def load(self) -> HostLoad:
        return HostLoad(next(self._foreign), 0.0)


def row(name: str = "row", **changes: Any) -> Row:
    given: dict[str, Any] = {"says": "so", "known": Known.ARITHMETIC, "unit": "ms", "bound": 0.1}
    return Row(name=name, **(given | changes))


def study(machine: Machine, values: Iterator[Observed | Sequence[Observed]], name: str = "study") -> Study:
    def observe() -> Observations:
        machine.now_s += 1
        return {f"{name}'s": next(values)}

    return Study(name, (row(f"{name}'s"),), observe)


def run(machine: Machine, *studies: Study, budget_s: float = 1000) -> tuple[list[dict[str, Any]], list[str]]:
    written: list[dict[str, Any]] = []
    shown: list[str] = []
    Suite(studies, written.append, shown.append, observer=lambda: machine, now_s=lambda: machine.now_s).run(budget_s)
    return written, shown


def right() -> Iterator[Observed]:
    return itertools.repeat(Observed(3.0, 3.0))


def test_suite_stops_when_every_row_is_settled() -> None:
    machine = Machine()
    written, shown = run(machine, study(machine, right()))
    assert len(written) == INTERIM_COUNTS[0]
    assert [one["n"] for one in written] == [0, 1, 2]
    assert shown == ["study's: agrees after 3"]


def test_suite_repeats_what_is_noisy_and_settles_one_study_after_another() -> None:
    machine = Machine()
    noisy = (Observed(3 + 0.1 * (-1) ** n, 3.0) for n in itertools.count())
    written, _ = run(machine, study(machine, noisy, "noisy"), study(machine, right(), "still"))
    order = [one["study"] for one in written]
    assert order[:6] == ["noisy"] * 3 + ["still"] * 3
    assert set(order[6:]) == {"noisy"}
    assert order.count("noisy") in INTERIM_COUNTS


def test_suite_writes_disturbed_observations_and_does_not_count_them() -> None:
    machine = Machine(itertools.cycle((1.9, 0.0)))
    values = itertools.cycle((Observed(99.0, 3.0), Observed(3.0, 3.0)))  # wrong only while it is disturbed
    written, shown = run(machine, study(machine, values))
    assert shown == ["study's: agrees after 3"]
    assert [one["disturbed"] for one in written] == [True, False] * 3
    assert written[0]["foreign_cores"] == 1.9


def test_suite_ends_on_a_machine_that_is_never_quiet() -> None:
    machine = Machine(itertools.repeat(1.9))
    written, shown = run(machine, study(machine, right()))
    assert shown == []
    assert 0 < len(written) < 1000
    assert all(one["disturbed"] for one in written)


def test_suite_keeps_its_budget() -> None:
    machine = Machine()
    noisy = (Observed(3 + (-1) ** n, 3.0) for n in itertools.count())
    written, _ = run(machine, study(machine, noisy), budget_s=7)
    assert len(written) == machine.now_s == 7


def test_suite_gives_up_a_study_that_fails() -> None:
    def fail() -> Observations:
        raise GilbenchError("no server")

    machine = Machine()
    written, shown = run(machine, Study("broken", (row(),), fail), study(machine, right()))
    assert [one["failed"] for one in written if "failed" in one] == ["no server"] * FAILURES
    assert shown[-1] == "study's: agrees after 3"


def test_suite_writes_what_is_unknown_and_does_not_count_it() -> None:
    machine = Machine()
    values = itertools.chain([Observed(math.nan, 3.0)], right())
    written, _ = run(machine, study(machine, values))
    assert written[0]["unknown"]
    assert "value" not in written[0]
    assert len(written) == 1 + INTERIM_COUNTS[0]


def test_suite_takes_several_observations_at_once() -> None:
    machine = Machine()
    written, shown = run(machine, study(machine, itertools.repeat([Observed(3.0, 3.0)] * 2)))
    assert len(written) == 4
    assert shown == ["study's: agrees after 4"]


def test_host_load_is_disturbed_above_its_limits() -> None:
    assert not HostLoad(FOREIGN_CORES_ABOVE, STEAL_ABOVE).disturbed
    assert not HostLoad(0.0, None).disturbed
    assert HostLoad(FOREIGN_CORES_ABOVE + 0.01, None).disturbed
    assert HostLoad(0.0, STEAL_ABOVE + 0.01).disturbed


def test_host_observer_subtracts_what_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter(((MachineTime(10.0, 50.0, 1.0, 0.0), 5.0), (MachineTime(12.0, 53.0, 1.4, 0.0), 7.0)))
    monkeypatch.setattr(HostObserver, "_read", lambda _: next(readings))
    monkeypatch.setattr("psutil.cpu_count", lambda: 2)
    load = HostObserver().load()
    assert load.foreign_cores == pytest.approx((3.0 - 2.0) / 2.0)
    assert load.steal_share == pytest.approx(0.4 / 2.0 / 2)


# Studies.


def test_all_studies_have_rows_of_their_own() -> None:
    studies = [one for one in all_studies(found()) if isinstance(one, Study)]
    names = [each.name for one in studies for each in one.rows]
    assert len(names) == len(set(names)) > 50
    assert len({one.name for one in studies}) == len(studies)
    assert all(each.bound >= 0 and each.says.endswith(".") and each.unit for one in studies for each in one.rows)


def test_all_studies_name_what_this_machine_cannot_do() -> None:
    old = [
        interpreter for interpreter in found() if interpreter.release < (3, 15) and not interpreter.build.freethreaded
    ][:1]
    assert [one.name for one in all_studies(old) if isinstance(one, Gap)] == ["profiler", "free-threaded"]


def test_extremes_are_the_newest_the_oldest_and_the_newest_free_threaded() -> None:
    def interpreter(name: str) -> Interpreter:
        return Interpreter(name, made_build(freethreaded=name.endswith("t")))

    names = ("3.15t", "3.15", "3.14", "3.13t", "3.9")
    assert list(extremes([interpreter(name) for name in names])) == ["3.15", "3.9", "3.15t"]
    assert list(extremes([interpreter("3.12")])) == ["3.12"]


def test_theory_ms_is_pollaczek_and_khinchines() -> None:
    assert load_studies.theory_ms(0.5) == pytest.approx(2.0)
    assert load_studies.theory_ms(0.8) == pytest.approx(8.0)


def test_schedule_wait_ms_is_near_the_theory_over_many_schedules() -> None:
    waits_ms = [load_studies.schedule_wait_ms(seed, 125.0) for seed in range(300)]
    assert float(np.mean(waits_ms)) == pytest.approx(2.0, rel=0.05)


def test_true_ratio_lets_only_the_loop_grow() -> None:
    rates = {"base": [1000.0, 1000.0], "empty": [10_000.0, 10_000.0]}  # the loop takes 0.9 ms of 1 ms
    assert ratio_studies.true_ratio(rates, 0.05) == pytest.approx(1 / 1.045)


def test_compare_launches_is_the_geometric_mean_over_launches_and_refuses_empty_windows() -> None:
    launches = [{"base": [100.0, 100.0], "5%": [95.0, 95.0]}, {"base": [200.0, 100.0], "5%": [180.0, 90.0]}]
    assert ratio_studies.compare_launches(launches, "5%").ratio == pytest.approx(math.sqrt(0.95 * 0.9))
    with pytest.raises(GilbenchError, match="no request was answered"):
        ratio_studies.compare_launches([{"base": [0.0], "5%": [1.0]}], "5%")


def test_work_is_more_by_what_its_name_says(monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[int] = []
    monkeypatch.setattr(work, "_work", loops.append)
    for handler in (work.empty, work.base, work.more_1, work.more_3, work.more_5):
        handler(b"x")
    assert [count / loops[1] for count in loops] == [0, 1, 1.01, 1.03, 1.05]


@pytest.mark.parametrize("name", chosen())
def test_programs_run_under_an_interpreter(name: str) -> None:
    programs = waits.WAITS_WITHOUT_GIL if chosen()[name].build.freethreaded else waits.WAITS_WITH_GIL
    for program in (*programs, *waits.ALWAYS):
        with waits.running(chosen()[name], program) as process:
            assert process.poll() is None
        assert process.returncode == -signal.SIGKILL
    with waits.running(chosen()[name], "three hash under one lock") as process:
        assert until(lambda: 0 < waits._own_share(process) <= 1)


def test_running_refuses_a_program_that_is_not_there() -> None:
    with pytest.raises(GilbenchError, match="'nothing' does not run under"), waits.running(found()[0], "nothing"):
        pass


# Results of a validation.


@pytest.fixture
def observed(tmp_path: Path) -> Callable[..., Validation]:
    """Return a function that makes a validation with one row per list of observations (value, truth, disturbed)."""

    def made(**rows: list[tuple[float, float, bool]]) -> Validation:
        studies = [Study(name, (row(name),), dict) for name in rows]
        meta = ValidationMeta(
            machine=run_meta.Machine(system="Linux", release="6", arch="x86_64", cpu_model="made", cpus=2),
            control={"version": "3.11"},
            interpreters={"3.13": made_build(version="3.13.1")},
            budget_s=60.0,
            elapsed_s=12.0,
            disturbed_above=DisturbedAbove(foreign_cores=0.1, steal_share=0.02),
            rows={name: one for study in studies for name, one in study.table().items()},
            gaps={"profiler": "none <found>"},
        )
        folder = Folder(tmp_path, meta)
        for name, several in rows.items():
            for value, truth, disturbed in several:
                common = {"study": name, "row": name, "foreign_cores": 1.5 * disturbed, "disturbed": disturbed}
                folder.append({**common, "value": value, "truth": truth})
        folder.update(replace(folder.meta, state=run_meta.State.COMPLETE))
        folder.close()
        return load_validation(folder.path)

    return made


AGREES = [(3.01, 3.0, False), (2.99, 3.0, False), (3.0, 3.0, False)]
DISAGREES = [(value + 5, truth, False) for value, truth, _ in AGREES]


def test_load_judges_what_was_observed(observed: Callable[..., Validation]) -> None:
    validation = observed(good=[*AGREES, (99.0, 3.0, True)], bad=DISAGREES, thin=AGREES[:2])
    verdicts = {result.name: result.verdict for result in validation.results}
    assert verdicts == {"good": Verdict.AGREES, "bad": Verdict.DISAGREES, "thin": Verdict.DISTURBED}
    good = validation.results[0]
    assert (good.disturbed, good.estimate.n, good.truth) == (1, 3, 3.0)
    assert good.foreign_cores == pytest.approx(1.5 / 4)
    assert words.cells(good)[2:6] == ("3 ms", "3 (2.975 to 3.025)", "±0.1 ms", "3 (+1 disturbed)")


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ({"a": AGREES}, 0),
        ({"a": AGREES, "b": DISAGREES, "c": []}, 1),
        ({"a": AGREES, "b": []}, 3),
        ({"a": [(9.0, 3.0, True)]}, 3),
        ({}, 3),
    ],
)
def test_status_is_0_1_or_3(
    observed: Callable[..., Validation], rows: dict[str, list[tuple[float, float, bool]]], status: int
) -> None:
    assert words.status(observed(**rows)) == status


def test_load_lets_a_study_that_failed_disagree(observed: Callable[..., Validation]) -> None:
    validation = observed(a=AGREES, b=[])
    with (validation.folder / "observations.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"study": "b", "n": 0, "failed": "no server"}) + "\n")
    again = load_validation(validation.folder)
    assert words.status(again) == 1
    assert words.why(again.results[1]) == "the study failed: no server"


def test_load_leaves_out_a_line_that_was_cut(observed: Callable[..., Validation]) -> None:
    folder = observed(a=AGREES).folder
    path = folder / "observations.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + '{"study": "a", "row"', encoding="utf-8")
    assert load_validation(folder).results[0].estimate.n == 3
    path.write_text('{"cut\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(GilbenchError, match="line 1 is not an observation"):
        load_validation(folder)


def test_load_refuses_what_is_not_a_validation(tmp_path: Path, observed: Callable[..., Validation]) -> None:
    with pytest.raises(GilbenchError, match="create one with gilbench validate"):
        load_validation(tmp_path)
    folder = observed(a=AGREES).folder
    meta = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(meta | {"schema": 99}), encoding="utf-8")
    with pytest.raises(GilbenchError, match="update gilbench"):
        load_validation(folder)
    (folder / "run.json").write_text("[]", encoding="utf-8")
    with pytest.raises(GilbenchError, match="cannot be read"):
        load_validation(folder)


def test_write_draws_a_page_that_says_what_disagrees(
    observed: Callable[..., Validation], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = observed(**{"good": AGREES, "<b>bad": DISAGREES, "none": []}).folder
    assert show([str(folder)]) == 1
    page = (folder / "validation.html").read_text(encoding="utf-8")
    assert "1 of 3 rows disagree with the known value" in page
    assert "&lt;b&gt;bad" in page
    assert "<b>bad" not in page
    assert "none &lt;found&gt;" in page
    assert (folder / "deviations.png").stat().st_size
    printed = capsys.readouterr().out
    assert "disagrees" in printed
    assert printed.endswith("validation.html\n")
    assert show([str(folder), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [one["verdict"] for one in rows] == ["agrees", "disagrees", "too disturbed"]
    assert rows[1]["deviation"] == pytest.approx(5.0)
    assert rows[2]["deviation"] is None


def test_report_of_a_validation_is_quiet_if_asked_to_be_and_serves_none(
    observed: Callable[..., Validation], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(observed(a=AGREES).folder)
    assert report([folder, "--quiet"]) == 0
    assert capsys.readouterr().out == f"{folder}/validation.html\n"
    assert report([folder, "--serve"]) == 2
    assert "--serve works only for runs" in capsys.readouterr().err


def test_show_says_in_one_line_what_it_cannot_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("value", "bound", "text"),
    [(0.24953, 0.03, "0.2495"), (0.0, 0.05, "0"), (-0.00001, 0.05, "0"), (1234.5, 200, "1,234"), (5, 0.0, "5")],
)
def test_figure_has_as_many_digits_as_its_bound_deserves(value: float, bound: float, text: str) -> None:
    assert words._figure(value, bound) == text


# The command.


def command(tmp_path: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "bench", "validate", "--results", str(tmp_path), *options]


def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(tmp_path)} | FEW_PYTHONS


def test_validate_observes_and_writes_a_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "--only", "connect timeout", "--budget", "5s", "--json"),
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 3}, done.stderr  # 3: something else used the CPUs
    (only,) = json.loads(done.stdout)["rows"]
    assert only["row"] == "errors counted: connect_timeout"
    assert only["observations"] + only["disturbed"] > 0
    (folder,) = (tmp_path / "validate").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        *("run.json", "observations.jsonl", "validation.html", "deviations.svg", "deviations.png")
    }
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["state"] == "complete"


def test_validate_keeps_what_was_observed_before_ctrl_c(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(tmp_path, "--only", "connect timeout", "--budget", "60s"),
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert until(lambda: any(path.stat().st_size for path in tmp_path.glob("validate/*/observations.jsonl")))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    (folder,) = (tmp_path / "validate").iterdir()
    meta = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (process.returncode, meta["state"]) in {(130, "partial"), (0, "complete")}  # 0: it had just been decided
    assert "Traceback" not in said
    assert (folder / "validation.html").exists()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--only", "no such study"], (2, "matches no study: choose from")),
        (["--results", "/dev/null/x"], (1, "give another --results")),
        (["--budget", "soon"], (2, "budget")),
    ],
)
def test_validate_refuses_bad_input_in_one_line(
    tmp_path: Path,
    options: list[str],
    wanted: tuple[int, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("bench.validate.measure.discover", found)
    code, says = wanted
    assert exit_code(main, ["--results", str(tmp_path), "--only", "refused", *options]) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert says in errors[0]
