"""The page of the committed example: its first screen, its size, and where it leads, in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page

from bench.analysis.load import read_run
from bench.analysis.stats import paired_ratio, pick, speedups
from bench.analysis.summary import summarise
from bench.narrative import wording
from bench.narrative.explain import explain
from bench.narrative.glossary import GLOSSARY
from bench.narrative.headlines import headline
from bench.narrative.recommend import recommendations
from bench.paths import ROOT
from bench.schema.cell import Cell
from tests.support.browser import chromium, open_page, serious_findings

EXAMPLE: Final = ROOT / "results" / "example"
PAGE: Final = EXAMPLE / "report.html"
SCREEN: Final = {"width": 1440, "height": 900}
WIDTHS: Final = (390, 768, 1024, 1440)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with open_page(browser, PAGE, viewport=SCREEN) as page:
        yield page


def test_page_is_small_and_short(page: Page) -> None:
    assert PAGE.stat().st_size < 600_000
    assert page.evaluate("document.querySelectorAll('*').length") < 8000
    assert page.evaluate("document.documentElement.scrollHeight") <= 12 * SCREEN["height"]


def test_page_answers_on_its_first_screen(page: Page) -> None:
    assert page.locator("h1").inner_text() == headline(read_run(EXAMPLE))
    for what in ("h1", "#concurrency", "#parallelism", ".sure", "#best"):
        box = page.locator(what).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= SCREEN["height"], what
    assert "windows disturbed" in page.locator(".sure").inner_text()
    assert page.locator(".decisions tbody tr").count() == 4


def test_page_moves_the_dots_with_the_number_of_clients(browser: Browser) -> None:
    run = read_run(EXAMPLE)
    with open_page(browser, PAGE, viewport=SCREEN, reduced_motion="reduce") as page:
        for clients in (8, 4):
            page.locator(f"label:has(#clients-{clients})").click()
            spread = pick(speedups(run.windows), ("threaded", "io", clients, "3.13"))
            assert spread is not None
            row = page.locator("table.dots").first.locator("tr", has_text="threaded").first
            assert row.locator(".value").first.inner_text() == f"{wording.ratio(spread.middle)}× 3.13"
            limits = page.locator(".limit-text:visible").all_inner_texts()
            assert limits == [f"{clients} clients", "2 CPUs"]


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_page_navigation_lands_on_its_heading(width: int, browser: Browser) -> None:
    with open_page(browser, PAGE, viewport={"width": width, "height": 900}) as page:
        links = page.locator("nav a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert len(links) >= 12
        for link in links[1:]:
            page.evaluate("link => { location.hash = link; }", link)
            page.wait_for_timeout(30)
            heading = page.locator(link)
            top = heading.evaluate("one => one.getBoundingClientRect().top")
            last = page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
            assert 0 <= top <= 120 or (last and 0 <= top < 900), (link, top)


@pytest.mark.parametrize("width", [390, 1440])
def test_glossary_terms_explain_themselves_to_pointer_and_keyboard(width: int, browser: Browser) -> None:
    with open_page(browser, PAGE, viewport={"width": width, "height": 900}, has_touch=width < 768) as page:
        terms = page.locator(".term:visible")
        assert terms.count() >= 6
        for number in range(terms.count()):
            one = terms.nth(number)
            definition = one.locator(".definition")
            assert definition.text_content() in GLOSSARY.values()
            assert not definition.is_visible()
            one.focus()
            assert definition.is_visible()
            page.keyboard.press("Tab")
            one.evaluate("one => one.scrollIntoView({block: 'center'})")  # not below the navigation
            x, y = one.evaluate("one => { const {x, y} = one.getClientRects()[0]; return [x + 3, y + 3]; }")
            (page.touchscreen.tap if width < 768 else page.mouse.move)(x, y)
            assert definition.is_visible()
            box = definition.bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width
            page.mouse.move(0, 0)
            page.evaluate("document.activeElement.blur()")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_violation_of_accessibility_rules(
    scheme: Literal["light", "dark"], width: int, browser: Browser
) -> None:
    with open_page(browser, PAGE, viewport={"width": width, "height": 900}, color_scheme=scheme) as page:
        assert not serious_findings(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_page_prints_on_portrait_pages(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, PAGE, viewport=SCREEN) as page:
        pdf = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(pdf) < 3_000_000
    boxes = re.findall(rb"/MediaBox\s*\[([\d. ]+)\]", pdf)
    assert boxes
    for box in boxes:
        left, bottom, right, top = map(float, box.split())
        assert right - left < top - bottom


_NAMED: Final = ("model", "workload", "interpreter")


def test_figures_that_are_shown_twice_are_the_same() -> None:
    """A speed-up, a rate and a percentile: of page, table, CSV and explanation."""
    run = read_run(EXAMPLE)
    rows = {Cell(*row[list(Cell._fields)]): row for _, row in summarise(run).iterrows()}
    text = PAGE.read_text(encoding="utf-8")
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    best = {one.best: one for one in recommendations(run) if one.best}
    for place, (model, workload, clients, interpreter) in enumerate(
        zip(*(data["cells"][name] for name in ("model", "workload", "clients", "interpreter")), strict=True)
    ):
        names = (data["dims"][name][at] for name, at in zip(_NAMED, (model, workload, interpreter), strict=True))
        cell = Cell(next(names), next(names), clients, next(names))
        row = rows[cell]
        for name in ("throughput_rps", "speedup", "speedup_low", "latency_p99_ns", "cpu_s_per_request"):
            shown = data["cells"][name][place]
            assert shown == pytest.approx(float(row[name]), rel=1e-4), (cell, name)
        for percent, name in ((50, "latency_p50_ns"), (99, "latency_p99_ns")):
            charted = data["latency"][place]["ns"][data["percents"].index(percent)]
            assert charted is None or charted == pytest.approx(float(row[name]), rel=2e-3), (cell, name)
        serial = paired_ratio(run.windows, "throughput_rps", cell, cell._replace(model="serial"))
        assert serial is not None
        assert serial.middle == pytest.approx(row["speedup"], rel=1e-9)
        if cell in best:
            figures = (wording.rate(row["throughput_rps"]), wording.milliseconds(row["latency_p99_ns"]))
            assert best[cell].figures[:2] == figures
            said = " ".join(explain(run, cell.name))
            assert f"answers {figures[0]} " in said
            if cell.model != "serial":
                assert f"That is {wording.times(serial)} serial's" in said
