"""The page of a history in a browser: drawing, labels, copying, links and accessibility."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.cli.history import main
from tests.analysis.test_history import RUNS, calibrate_quickly, write_runs
from tests.support.browser import choose, chromium, clipboard, mark_labels, open_page, serious_findings


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as monkeypatch:
        calibrate_quickly(monkeypatch)
        assert main([str(write_runs(folder)), "--output", str(folder / "drawn")]) == 0
    return folder / "drawn" / "history.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, history: Path) -> Iterator[Page]:
    with open_page(browser, history) as page:
        yield page


def test_history_page_labels_each_mark_with_its_figure(page: Page) -> None:
    labels = mark_labels(page)
    shown = [label for label in labels if "requests/s" in label]
    assert len(shown) == RUNS * 2 * 2
    assert "threaded on 3.13t" in shown[-1]
    assert "run11, 2026-11-12 10:00; CPython 3.13.16" in shown[-1]
    came = [label for label in labels if "change in run08: " in label]
    assert [label.split(";")[0] for label in came] == ["serial on 3.13t", "threaded on 3.13t"]
    assert all("interpreters: 3.13.15 → 3.13.16" in label for label in came)


def test_history_page_draws_ratios_to_the_named_baseline(page: Page) -> None:
    choose(page, "figure", "ratio")
    assert sum("] × 3.13;" in label for label in mark_labels(page)) == RUNS * 2
    expect(page.locator("#view .panel")).to_have_text(["3.13t"])


def test_history_page_restores_the_view_from_its_link(page: Page) -> None:
    choose(page, "models", "serial")
    choose(page, "interpreters", "3.13")
    assert "#explore&models=threaded&interpreters=3.13t" in page.url
    before = mark_labels(page)
    assert len(before) == RUNS + 1
    page.reload()
    assert mark_labels(page) == before
    page.get_by_role("button", name="Reset").click()
    assert len(mark_labels(page)) > len(before)


def test_history_page_copies_the_view_as_csv(page: Page) -> None:
    page.get_by_role("button", name="Copy as CSV").click()
    expect(page.locator("#said")).to_have_text("Copied this view as CSV.")
    rows = list(csv.DictReader(io.StringIO(clipboard(page))))
    assert len(rows) == RUNS * 2 * 2
    assert {(row["model"], row["interpreter"]) for row in rows} == set(
        itertools.product(("serial", "threaded"), ("3.13", "3.13t"))
    )
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in rows)


def test_history_page_moves_from_run_to_run_with_arrow_keys(page: Page) -> None:
    page.locator("#view .mark").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tip")).to_be_visible()
    expect(page.locator("#tip")).to_contain_text("run01")


def test_history_page_hides_the_choice_of_a_single_machine(page: Page) -> None:
    expect(page.locator("#choose-machine")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_history_page_is_accessible_and_fits_a_phone(
    browser: Browser, history: Path, scheme: Literal["light", "dark"]
) -> None:
    with open_page(browser, history, color_scheme=scheme, viewport={"width": 360, "height": 700}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert not serious_findings(page)
