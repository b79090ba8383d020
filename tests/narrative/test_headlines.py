"""Headlines of synthetic runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.narrative.headlines import headline
from tests.support.made import Made


def test_headline_says_which_models_overlap_waiting_and_computing(tmp_path: Path) -> None:
    assert headline(Made(noise=0.001).load(tmp_path)) == (
        "Every model but serial overlaps waiting. Computing overlaps only with threaded without a GIL and multiprocess."
    )


@pytest.mark.parametrize(
    ("models", "workloads", "interpreters", "says"),
    [
        (("serial", "asyncio"), ("cpu",), ("3.13",), "Computing does not overlap with asyncio."),
        (("serial", "asyncio"), ("io",), ("3.13",), "Waiting overlaps with asyncio."),
        (("serial", "asyncio", "threaded"), ("cpu",), ("3.13",), "No model overlaps computing."),
        (
            ("serial", "threaded"),
            ("cpu",),
            ("3.13", "3.14", "3.13t"),
            "Computing overlaps only with threaded without a GIL.",
        ),
    ],
)
def test_headline_fits_what_was_measured(
    models: tuple[str, ...], workloads: tuple[str, ...], interpreters: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    made = Made(models=models, workloads=workloads, interpreters=interpreters, noise=0.001)
    assert headline(made.load(tmp_path)) == says


def test_headline_names_what_is_undecided(tmp_path: Path) -> None:
    rates = {("threaded", "cpu", 8, "3.13", number): rate for number, rate in enumerate((800.0, 1100.0, 1500.0))}
    made = Made(models=("serial", "threaded", "asyncio"), workloads=("cpu",), clients=(8,), interpreters=("3.13",))
    made.rates, made.cores, made.noise = rates, {("threaded", "cpu"): 1.3}, 0.001
    assert headline(made.load(tmp_path)) == "Computing does not overlap with asyncio; undecided: threaded."


def test_headline_compares_interpreters_without_serial(tmp_path: Path) -> None:
    made = Made(models=("threaded",), workloads=("cpu",), clients=(8,), noise=0.001)
    assert headline(made.load(tmp_path)).startswith("3.13t serves 1.4")
    assert headline(made.load(tmp_path / "2")).endswith("the requests/s of 3.13.")


def test_headline_names_the_best_of_one_interpreter(tmp_path: Path) -> None:
    made = Made(models=("threaded", "asyncio"), workloads=("io", "cpu"), clients=(8,), interpreters=("3.13",))
    assert headline(made.load(tmp_path)).endswith(" on 3.13 serves io best, tied with 1 other.")
