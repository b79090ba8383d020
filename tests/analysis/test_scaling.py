"""Scaling laws: on published data, on synthetic data whose law is known, and on servers pinned to CPUs.

Over 300 lines, because its tests share fixtures: xdist gives a worker one file at a time.
"""

from __future__ import annotations

import csv
import math
import os
import random
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.analysis import Run
from bench.analysis.scaling.choice import Scaling, laws
from bench.analysis.scaling.fit import Fit, fit
from bench.analysis.scaling.laws import LAWS
from bench.analysis.scaling.table import to_csv
from bench.cli.report import main
from bench.errors import GilbenchError, ServerFailed
from bench.interpreters import affinity
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import pin_interpreters, resolve
from bench.narrative.run_warnings import collect_warnings
from bench.narrative.scaling import limits, rows
from bench.planning.starvation import refuse_starvation
from bench.report.plots import scaling as plot
from bench.report.plots.style import style, to_svg
from bench.runner.server import Server
from bench.runner.verification import DESCRIBING, verify
from bench.schema.cell import Cell
from bench.schema.plan import Plan
from tests.planning.test_options import typed
from tests.support.interpreters import found
from tests.support.made import Made

# Published data sets, each with its published coefficients.
#
# CISCO: B. Schwartz, Practical Scalability Analysis with the Universal Scalability Law, VividCortex 2015 (threads and
#   queries per second of MySQL on a Cisco server); data and coefficients as the tests of codahale/usl4j quote them.
# SPEC: Sun SPARCcenter 2000, SPEC SDM91, October 1994 (users, scripts per hour), and
# RAYS: a ray tracer on an SGI Origin 2000 (processors, kilorays per second): both in N. J. Gunther, Guerrilla Capacity
#   Planning, Springer 2007, and in the R package usl 3.0 (S. Möding), whose README and tests print the coefficients,
#   their standard errors and the residuals of the same method, least squares on the throughput itself.
CISCO = dict(
    enumerate(
        (
            *(955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71),
            *(8646.7, 9047.84, 9426.55, 9645.37, 9897.24, 10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63),
            *(11806, 12089.37, 12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39),
        ),
        1,
    )
)
SPEC = {1: 64.9, 18: 995.9, 36: 1652.4, 72: 1853.2, 108: 1828.9, 144: 1775.0, 216: 1702.2}
RAYS = {1: 20.0, 4: 78, 8: 130, 12: 170, 16: 190, 20: 200, 24: 210, 28: 230, 32: 260, 48: 280, 64: 310}
PUBLISHED: dict[str, tuple[Mapping[int, float], dict[str, float]]] = {
    "cisco": (CISCO, {"rate": 995.6486, "contention": 0.02671591, "crosstalk": 7.690945e-4}),
    "spec": (SPEC, {"rate": 89.9952, "contention": 0.0277285, "crosstalk": 1.044e-4}),
    "rays": (RAYS, {"rate": 21.8488, "contention": 0.0577, "crosstalk": 0.0}),
}
STANDARD_ERRORS = {"rate": 14.2135, "contention": 0.0091217, "crosstalk": 1.988e-5}  # of SPEC, 4 degrees of freedom
T_OF_4 = 2.776

COUNTS = (1, 2, 4, 8, 16)


def points(
    law: str, coefficients: Sequence[float], *, counts: Sequence[int], passes: int, noise: float, seed: int
) -> tuple[list[float], list[float]]:
    """Return a law's throughputs, each the mean of three windows with noise."""
    rng = random.Random(seed)  # noqa: S311 - noise, not secrets
    n = [float(count) for count in counts for _ in range(passes)]
    curve = LAWS[law].throughput(np.array(n), 1000.0, *coefficients)
    return n, [rate * sum(rng.lognormvariate(0, noise) for _ in range(3)) / 3 for rate in curve.tolist()]


# Known answers.


@pytest.mark.parametrize("name", PUBLISHED)
def test_fit_finds_the_published_coefficients_of_published_data(name: str) -> None:
    data, published = PUBLISHED[name]
    found = fit("usl", list(data), list(data.values()), absolute=True)
    for coefficient, value in published.items():
        assert found.estimates[coefficient].value == pytest.approx(value, rel=2e-3, abs=1e-6), coefficient


def test_fit_finds_the_published_standard_errors_and_peaks() -> None:
    found = fit("usl", list(SPEC), list(SPEC.values()), absolute=True)
    for coefficient, error in STANDARD_ERRORS.items():
        estimate = found.estimates[coefficient]
        assert (estimate.high - estimate.low) / 2 / T_OF_4 == pytest.approx(error, rel=5e-3), coefficient
    assert found.peak is not None
    assert found.peak.n == pytest.approx(96.5, abs=0.1)
    cisco = fit("usl", list(CISCO), list(CISCO.values()), absolute=True)
    assert cisco.peak is not None
    assert int(cisco.peak.n) == 35  # as in the book
    assert cisco.peak.rate == pytest.approx(12341, rel=2e-4)


def test_fit_finds_the_same_law_by_relative_residuals_within_its_intervals() -> None:
    # SPEC is left out: its throughput with one user is 28% below the published curve, which weighs on a relative fit.
    for name in ("cisco", "rays"):
        data, published = PUBLISHED[name]
        found = fit("usl", list(data), list(data.values()))
        assert found.good
        for coefficient in ("contention", "crosstalk"):
            close = abs(found.estimates[coefficient].value - published[coefficient])
            absolute = fit("usl", list(data), list(data.values()), absolute=True).estimates[coefficient]
            assert close <= absolute.high - absolute.low


@pytest.mark.parametrize("noise", [0.1, 0.15, 0.2])
def test_fit_finds_a_serial_share_of_three_tenths_in_noise(noise: float) -> None:
    found = [
        fit("amdahl", *points("amdahl", (0.3,), counts=COUNTS, passes=8, noise=noise, seed=seed)) for seed in range(60)
    ]
    shares = [one.estimates["serial"] for one in found]
    assert sum(abs(share.value - 0.3) <= 0.05 for share in shares) >= 57
    assert abs(float(np.mean([share.value for share in shares])) - 0.3) < 0.01
    covered = sum(share.low <= 0.3 <= share.high for share in shares)
    assert covered >= 52  # fewer than 52 of 60 intervals at 95% contain the truth 1 in 1,000 times
    assert sum(one.good for one in found) >= 57


def test_fit_has_intervals_that_hold_the_truth_with_and_without_crosstalk() -> None:
    for crosstalk in (0.0, 0.002):
        hits = dict.fromkeys(("contention", "crosstalk", "band"), 0)
        for seed in range(40):
            n, rates = points("usl", (0.05, crosstalk), counts=COUNTS, passes=3, noise=0.08, seed=seed)
            found = fit("usl", n, rates)
            for name, truth in (("contention", 0.05), ("crosstalk", crosstalk)):
                hits[name] += found.estimates[name].low <= truth <= found.estimates[name].high
            (low,), (high,) = found.band([64])
            hits["band"] += low <= LAWS["usl"].throughput(np.array([64.0]), 1000.0, 0.05, crosstalk)[0] <= high
        assert min(hits.values()) >= 34, (crosstalk, hits)


def test_fit_finds_a_law_without_noise_to_the_digit() -> None:
    for law, coefficients in (("amdahl", [0.3]), ("gustafson", [0.2]), ("usl", [0.05, 0.001]), ("amdahl", [0.0])):
        n, rates = points(law, coefficients, counts=COUNTS, passes=1, noise=0, seed=0)
        found = fit(law, n, rates)
        assert found.good
        assert [one.value for one in found.estimates.values()] == pytest.approx(
            [1000, *coefficients], rel=1e-4, abs=1e-6
        )


# Refusals.


@pytest.mark.parametrize(("law", "fewest"), [("amdahl", 3), ("gustafson", 3), ("usl", 4)])
def test_fit_refuses_too_few_numbers_and_says_how_many_it_needs(law: str, fewest: int) -> None:
    n = list(range(1, fewest)) * 4
    found = fit(law, n, [1000.0] * len(n))
    assert not found.good
    assert not found.estimates
    assert f"needs {fewest} different numbers" in found.refused
    assert "measured: none" in fit(law, [1, 2, 3, 4], [0.0] * 4).refused


def test_fit_refuses_what_no_law_describes_but_not_noise() -> None:
    n = [1, 2, 4, 8, 16] * 3
    saw = {1: 1000, 2: 400, 4: 3000, 8: 700, 16: 5000}
    poor = fit("amdahl", n, [saw[one] * (1 + 0.01 * (i // 5)) for i, one in enumerate(n)])
    assert poor.refused.startswith("poor fit: Amdahl's law misses the measured means by ")
    noisy = points("amdahl", (0.3,), counts=(1, 2, 4, 8), passes=3, noise=0.3, seed=5)
    assert fit("amdahl", *noisy).good


# A run.


def usl(n: int, rate: float, contention: float, crosstalk: float) -> float:
    return float(LAWS["usl"].throughput(np.array([float(n)]), rate, contention, crosstalk)[0])


def over_clients(path: Path, clients: Sequence[int], coefficients: dict[str, tuple[float, float, float]]) -> Run:
    rng = random.Random(4)  # noqa: S311 - noise, not secrets
    rates = {
        (model, workload, count, "3.13", pass_): usl(count, *each) * rng.lognormvariate(0, 0.02)
        for model, each in coefficients.items()
        for workload in ("io", "cpu")
        for count in clients
        for pass_ in range(3)
    }
    made = Made(list(coefficients), ("io", "cpu"), clients, ("3.13",), rates=rates)
    made.meta = {"machine": {"cpus": 16}}
    return made.load(path)


def over_cores(path: Path, cores: Sequence[int], *, noise: float = 0.01, broken: bool = False) -> Run:
    """Return a run in which multiprocess has 3% contention and some crosstalk, and threaded is entirely serial."""
    rng = random.Random(7)  # noqa: S311 - noise, not secrets
    interpreters = [f"3.14+cpus={count}" for count in cores]
    rates = {
        (model, "cpu", 32, interpreter, pass_): usl(count, 1000, *each)
        * rng.lognormvariate(0, noise)
        * (1 if not broken or count != cores[1] else 3)
        for model, each in {"multiprocess": (0.03, 0.001), "threaded": (1.0, 0.0)}.items()
        for count, interpreter in zip(cores, interpreters, strict=True)
        for pass_ in range(4)
    }
    made = Made(("threaded", "multiprocess"), ("cpu",), (32,), interpreters, 4, rates=rates)
    builds = {
        interpreter: {"executable": "/usr/bin/python3.14", "variants": f"+cpus={count}"}
        for count, interpreter in zip(cores, interpreters, strict=True)
    }
    made.meta = {"machine": {"cpus": 16}, "interpreters": builds}
    return made.load(path)


def of(run: Run, model: str, over: str, workload: str = "cpu") -> Scaling:
    found = (one for one in laws(run) if (one.series.model, one.series.workload) == (model, workload))
    return next(one for one in found if one.series.over == over)


def test_limits_of_a_run_over_clients_say_what_limits_it_and_where_the_peak_is(tmp_path: Path) -> None:
    truth = {"serial": (1000.0, 1.0, 0.0), "multiprocess": (950.0, 0.05, 0.001), "asyncio": (1000.0, 0.3, 0.0)}
    run = over_clients(tmp_path, [1, 2, 4, 8, 16, 32, 64], truth)
    crowded = of(run, "multiprocess", "clients")
    assert crowded.chosen.law == "usl"
    assert crowded.chosen.peak is not None
    assert crowded.chosen.peak.n == pytest.approx(math.sqrt(0.95 / 0.001), rel=0.1)
    assert of(run, "asyncio", "clients").chosen.law == "amdahl"
    said = limits(run, "multiprocess", "cpu", "3.13")
    assert said is not None
    assert said.startswith("over clients (the Universal Scalability Law): contention ")
    assert "crosstalk 0.1" in said
    assert "peak near 3" in said
    assert "more clients do not raise throughput" in str(limits(run, "serial", "cpu", "3.13"))
    assert "is serial, never above 3," in str(limits(run, "asyncio", "cpu", "3.13"))
    assert limits(run, "prefork", "cpu", "3.13") is None


def test_laws_may_be_gustafsons_for_clients_that_bring_their_own_waiting(tmp_path: Path) -> None:
    run = Made(("serial", "threaded"), ("io", "cpu"), (1, 4, 8), ("3.13",), noise=0.001).load(tmp_path)
    assert set(of(run, "threaded", "clients", "io").fits) == {"amdahl", "gustafson", "usl"}
    assert set(of(run, "threaded", "clients", "cpu").fits) == {"amdahl", "usl"}
    assert "in proportion to clients" in str(limits(run, "threaded", "io", "3.13"))
    assert of(run, "serial", "clients", "io").chosen.law == "amdahl"


def test_limits_say_that_all_cpus_were_in_use(tmp_path: Path) -> None:
    run = Made(("multiprocess",), ("cpu",), (1, 2, 4, 8), ("3.13",), cores={("multiprocess", "cpu"): 1.95}).load(
        tmp_path
    )
    assert of(run, "multiprocess", "clients").saturated
    assert "the limit includes the 2 CPUs, all in use" in str(limits(run, "multiprocess", "cpu", "3.13"))


def test_laws_predict_nothing_over_clients(tmp_path: Path) -> None:
    run = over_clients(tmp_path, [1, 2, 4, 8, 16], {"multiprocess": (950.0, 0.05, 0.001)})
    found = of(run, "multiprocess", "clients").outlook
    assert not found.predictions
    assert "--cpus" in found.refused


def test_laws_predict_more_cores_with_a_band(tmp_path: Path) -> None:
    run = over_cores(tmp_path, [1, 2, 4, 8, 12])
    found = of(run, "multiprocess", "cores")
    assert (found.series.interpreter, found.series.clients) == ("3.14", 32)
    assert [one.cores for one in found.outlook.predictions] == [16, 64]
    for one in found.outlook.predictions:
        assert one.low <= usl(one.cores, 1000, 0.03, 0.001) <= one.high
    assert limits(run, "multiprocess", "cpu", "3.14") == limits(run, "multiprocess", "cpu", "3.14+cpus=4")
    assert "over cores with 32 clients" in str(limits(run, "multiprocess", "cpu", "3.14"))


@pytest.mark.parametrize(
    ("cores", "change", "made", "says"),
    [
        ([1, 2], {}, [], "needs 4 different numbers, measured: 1, 2; a machine with more CPUs"),
        ([1, 2, 4], {}, [], "the Universal Scalability Law needs 4"),
        ([1, 2, 4, 8], {"broken": True}, [], "poor fit"),
        ([1, 2, 3, 4], {"noise": 0.2}, [], "times its lower"),
        ([1, 2, 3, 4], {"noise": 0.0002}, [8, 16], "64 cores are more than 8 times the 4"),
    ],
)
def test_laws_refuse_a_prediction_with_the_reason(
    cores: list[int], change: dict[str, Any], made: list[int], says: str, tmp_path: Path
) -> None:
    found = of(over_cores(tmp_path, cores, **change), "multiprocess", "cores").outlook
    assert [one.cores for one in found.predictions] == made
    assert says in found.refused


def test_fit_lets_no_curve_rise_faster_than_n() -> None:
    n, rates = points("amdahl", (0.0,), counts=(1, 2, 4), passes=4, noise=0.05, seed=1)
    found: Fit = fit("amdahl", n, rates)
    (low,), (high,) = found.band([64])
    assert low < 64_000 <= high <= found.estimates["rate"].high * 64


# Plots and tables.


def texts(run: Run) -> str:
    with style():
        figure = plot.draw(run)
        assert figure is not None
        every = [*figure.texts, *(text for axes in figure.axes for text in (*axes.texts, axes.title))]
        to_svg(figure, "scaling")
    return "\n".join(text.get_text() for text in every)


def test_scaling_plot_shows_cores_peaks_and_predictions(tmp_path: Path) -> None:
    drawn = texts(over_cores(tmp_path / "cores", [1, 2, 4, 8, 12]))
    assert "Over cores, serial share of cpu on 3.14: multiprocess 2." in drawn or "multiprocess 3." in drawn
    assert "16 CPUs" in drawn
    assert "prediction" in drawn.splitlines()
    drawn = texts(over_clients(tmp_path / "clients", [1, 2, 4, 8, 16, 32, 64], {"multiprocess": (950.0, 0.05, 0.001)}))
    assert "multiprocess ▾3" in drawn
    assert "prediction" not in drawn


def test_scaling_plot_says_why_it_predicts_nothing(tmp_path: Path) -> None:
    drawn = texts(over_cores(tmp_path, [1, 2])).replace("\n", " ")  # long texts are wrapped
    assert "too few points for a law" in drawn
    assert (
        "no prediction: too few points: the Universal Scalability Law needs 4 different numbers, measured: 1, 2"
        in drawn
    )


def test_scaling_draws_nothing_of_two_numbers_of_clients(tmp_path: Path) -> None:
    run = Made(clients=(1, 8)).load(tmp_path)
    assert plot.draw(run) is None
    assert rows(run) == []


def test_scaling_writes_all_coefficients(tmp_path: Path) -> None:
    run = over_cores(tmp_path, [1, 2, 4, 8, 12])
    assert main([str(run.folder), "--quiet"]) == 0
    written = (run.folder / "scaling.csv").read_text(encoding="utf-8")
    assert written == to_csv(run)
    found = list(csv.DictReader(written.splitlines()))
    (mine,) = [one for one in found if (one["over"], one["model"], one["law"]) == ("cores", "multiprocess", "usl")]
    assert float(mine["contention_share_low"]) <= 0.03 <= float(mine["contention_share_high"])
    assert float(mine["at_16_low_rps"]) < float(mine["at_16_rps"]) < float(mine["at_16_high_rps"])
    assert mine["at_8_rps"] == ""  # was measured
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert 'id="laws"' in page
    assert "predicted for 16 cores: " in page


# Pinned servers.

HERE = len(affinity.available_cpus())


@pytest.fixture
def newest() -> Interpreter:
    return found()[0]


def test_affinity_gives_a_server_one_cpu_as_its_handler_sees(newest: Interpreter) -> None:
    (interpreter,) = resolve(f"{newest.name}+cpus=1", found)
    assert (interpreter.name, interpreter.build.variants, interpreter.changed.cpus) == (
        f"{newest.name}+cpus=1",
        "+cpus=1",
        1,
    )
    for model in ("threaded", "prefork"):
        server = Server(interpreter, model, DESCRIBING)
        try:
            server.ready()
            assert os.sched_getaffinity(server.pid) == set(affinity.first(1))
            verify(server, model, interpreter)
            if HERE > 1:
                with pytest.raises(ServerFailed, match=f"cpus is 1, not {HERE}"):
                    verify(server, model, newest)
        finally:
            server.stop()


def test_resolve_finds_the_pinned_interpreters_of_a_resumed_run_again(newest: Interpreter) -> None:
    (interpreter,) = resolve(f"{newest.name}+cpus=1", found)
    (again,) = resolve(f"{interpreter.name}={interpreter.program}{interpreter.build.variants}", found)
    assert again == interpreter


@pytest.mark.parametrize("spec", ["3+cpus=0", "3+cpus=all", "3+cpus"])
def test_resolve_refuses_nonsense_behind_cpus_and_says_how_to_write_it(spec: str) -> None:
    with pytest.raises(GilbenchError, match=r"write \+cpus=N"):
        resolve(spec, found)


def test_resolve_refuses_too_many_cpus_and_a_missing_taskset(
    monkeypatch: pytest.MonkeyPatch, newest: Interpreter
) -> None:
    with pytest.raises(GilbenchError, match=rf"\+cpus=1000: this process may use {HERE} CPU"):
        resolve(f"{newest.name}+cpus=1000", found)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(GilbenchError, match="install util-linux"):
        resolve(f"{newest.name}+cpus=1", found)


def test_plan_has_an_interpreter_for_each_number_of_cpus(monkeypatch: pytest.MonkeyPatch, newest: Interpreter) -> None:
    monkeypatch.setattr(affinity, "available_cpus", lambda: (3, 5, 6))
    wanted = typed(cpus="1,2")
    assert list(wanted.interpreters) == ["mine+cpus=1", "mine+cpus=2"]
    assert wanted.baseline == "mine+cpus=1"
    plan = wanted.plan(wanted.cells)
    assert plan.cpus == {"mine+cpus=1": 1, "mine+cpus=2": 2}
    assert plan.generator_cpus == (6,)
    assert plan.to_dict()["cpus"] == plan.cpus
    narrowed = wanted.plan(cell for cell in wanted.cells if cell.interpreter == "mine+cpus=1")
    assert (narrowed.cpus, narrowed.generator_cpus) == ({"mine+cpus=1": 1}, (5, 6))
    assert wanted.interpreters["mine+cpus=2"].changed.prefix == ["taskset", "--cpu-list", "3,5"]
    assert affinity.left_over([1, 3]) == ()
    with pytest.raises(GilbenchError, match="sets its own number"):
        pin_interpreters(wanted.interpreters.values(), [1])
    with pytest.raises(GilbenchError, match="--cpus: invalid number 'all': use a whole number from 1"):
        typed(cpus="all")
    with pytest.raises(GilbenchError, match="--cpus 1,2"):
        typed(cpus=",")


def test_refuse_starvation_knows_pools_as_large_as_the_cpus_that_they_are_pinned_to() -> None:
    def keep_alive(clients: int) -> Plan:
        cells = (Cell("prefork", "cpu", clients, "3+cpus=2"),)
        settings: dict[str, Any] = {"passes": 1, "budget_s": 60, "requests_per_connection": None, "seed": 0}
        return Plan(cells=cells, cpus={"3+cpus=2": 2}, **settings)

    refuse_starvation(keep_alive(2))
    with pytest.raises(GilbenchError, match="prefork serves 2 clients at a time"):
        refuse_starvation(keep_alive(3))


def test_affinity_puts_the_generator_elsewhere_and_back() -> None:
    def run_on() -> set[int]:
        seen: list[set[int]] = []
        thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
        thread.start()
        thread.join()
        return seen[0]

    before = os.sched_getaffinity(0)
    last = affinity.available_cpus()[-1:]
    with affinity.pinned(last):
        assert run_on() == set(last)
    assert os.sched_getaffinity(0) == before
    with affinity.pinned(()):
        assert run_on() == before


def test_collect_warnings_name_a_generator_that_shares_the_servers_cpus(tmp_path: Path) -> None:
    made = Made(("serial",), ("cpu",), (1,), ("3.13",), warnings=lambda *_: [{"code": affinity.SHARES, "cpus": 2}])
    (found,) = collect_warnings(made.load(tmp_path))
    assert found.code == affinity.SHARES
    assert "servers were pinned to up to 2 CPUs" in found.says
