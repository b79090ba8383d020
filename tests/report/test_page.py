"""The page of a run in a browser: its controls, the labels of marks, and accessibility."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.analysis.load import read_run
from bench.analysis.rankings import rankings
from bench.analysis.summary import summarise
from bench.narrative import wording
from bench.report.draw import draw
from bench.report.plots import style
from bench.schema.thread_state import THREAD_STATES
from tests.support.browser import choose, chromium, clipboard, mark_labels, open_page, serious_findings
from tests.support.drawing import plots
from tests.support.made import Made

CONTENDED = [{"code": "contended", "busy_share": 0.97}]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Made(warnings=lambda model, workload, *_: CONTENDED if (model, workload) == ("multiprocess", "cpu") else [])
    folder = made.write(tmp_path_factory.mktemp("page") / "run")
    with plots("memory", "throughput", "forest"):
        draw(read_run(folder), quiet=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, run: Path) -> Iterator[Page]:
    with open_page(browser, run / "report.html") as page:
        yield page


def draw_without_plots(folder: Path) -> Path:
    """Draw the page of a run without its plots, which take most of the time, and return the page's path."""
    with plots():
        return draw(read_run(folder), quiet=True)


def table_rows(page: Page) -> list[list[str]]:
    rows: list[list[str]] = page.eval_on_selector_all(
        "#cells-table tbody tr", "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )
    return rows


def table_heads(page: Page) -> list[str]:
    texts: list[str] = page.eval_on_selector_all("#cells-table th button", "all => all.map(one => one.firstChild.data)")
    return texts


def test_page_first_ranks_cpu_with_most_clients(page: Page, run: Path) -> None:
    labels = mark_labels(page)
    assert len(labels) == 8
    assert all(label.startswith("cpu, ") and "8 clients" in label for label in labels)
    summary = summarise(read_run(run))
    best = summary[(summary["workload"] == "cpu") & (summary["clients"] == 8)].nlargest(1, "throughput_rps").iloc[0]
    low, high = (wording.rate(best[f"throughput_rps_{end}"]) for end in ("low", "high"))
    assert f"{best['model']} on {best['interpreter']}" in labels[0]
    assert f"{wording.rate(best['throughput_rps'])} ({low}–{high}) requests/s" in labels[0]


def test_page_ranking_names_the_significant_differences(page: Page, run: Path) -> None:
    of = next(one for one in rankings(read_run(run)) if (one.workload, one.clients) == ("cpu", 8))
    steps = sum((place, place + 1) in of.significant for place in range(len(of.cells) - 1))
    said = page.locator("#honest").inner_text()
    assert f"Of the 7 steps from one to the next, {steps} " in said
    assert "corrected for 28 pairs" in said
    level = [cell for place, cell in enumerate(of.cells[1:], 1) if (0, place) not in of.significant]
    for model, _, _, interpreter in level[:4]:
        assert f"{model} on {interpreter}" in said
    assert said.startswith("Tied with" if level else f"{of.cells[0][0]} on {of.cells[0][3]} is ahead")


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ("Latency", "p99: "),
        ("Latency", "1 to 10 ms: "),
        ("CPU and GIL", "median over passes"),
        ("Interpreters", "× 3.13"),
        ("Over the run", "min after the first window"),
    ],
)
def test_page_draws_each_view(page: Page, view: str, says: str) -> None:
    page.get_by_role("tab", name=view).click()
    labels = [label for nth in range(page.locator("#view svg").count()) for label in mark_labels(page, nth)]
    assert any(says in label for label in labels)
    assert all(svg.locator(".tick").count() >= 2 for svg in page.locator("#view svg").all())
    assert "NaN" not in page.locator("#view").inner_html()


def test_page_draws_and_lists_the_chosen_cells(page: Page) -> None:
    choose(page, "workload", "io")
    choose(page, "clients", "4")
    choose(page, "models", "serial")
    choose(page, "interpreters", "3.13t")
    labels = mark_labels(page)
    assert len(labels) == 3
    assert all(label.startswith("io, ") and "on 3.13;" in label.replace(", 4 clients", "") for label in labels)
    assert {row[0] for row in table_rows(page)} == {"threaded", "asyncio", "multiprocess"}
    assert {row[1] for row in table_rows(page)} == {"3.13"}
    choose(page, "interpreters", "3.13")  # the last choice stays selected
    assert page.locator("#explore input[name=interpreters]:checked").count() == 1


def test_page_link_shows_the_same_view_to_another_reader(page: Page, browser: Browser) -> None:
    choose(page, "workload", "echo")
    choose(page, "models", "asyncio")
    page.get_by_role("tab", name="Latency").click()
    page.locator("#cells-table").get_by_role("button", name="p99").click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#said")).to_have_text("Copied a link to this view.")
    with open_page(browser, clipboard(page)) as other:
        assert table_rows(other) == table_rows(page)
        assert mark_labels(other) == mark_labels(page)
        assert other.get_by_role("tab", name="Latency").get_attribute("aria-selected") == "true"


def test_page_navigation_keeps_the_chosen_view(page: Page) -> None:
    page.get_by_role("tab", name="Latency").click()
    page.get_by_role("navigation").get_by_role("link", name="Explore").click()
    page.wait_for_url("**#explore-title")
    assert page.get_by_role("tab", name="Latency").get_attribute("aria-selected") == "true"


def test_log_ticks_returns_two_ticks_at_least() -> None:
    assert all(
        len(style.log_ticks(low, low * span)) >= 2 for low in (0.7, 1, 2087) for span in (1.05, 1.3, 1.9, 3, 9, 90)
    )


def test_page_ignores_unknown_choices_in_a_link(page: Page, browser: Browser) -> None:
    first, address = mark_labels(page), page.url
    with open_page(browser, f"{address}#explore&view=nosuch&models=nosuch&sort=-nosuch&clients=99") as other:
        assert mark_labels(other) == first
    with open_page(browser, f"{address}#explore&view=nosuch&clients=4") as other:
        assert all("4 clients" in label for label in mark_labels(other))


def test_page_table_sorts_and_searches(page: Page) -> None:
    place = table_heads(page).index("throughput")
    page.locator("#cells-table").get_by_role("button", name="throughput").click()
    rates = [float(row[place].replace(",", "")) for row in table_rows(page)]
    assert rates == sorted(rates, reverse=True)
    page.locator("#cells-table").get_by_role("button", name="throughput").click()
    assert [float(row[place].replace(",", "")) for row in table_rows(page)] == rates[::-1]
    assert page.locator("#cells-table th[aria-sort=ascending]").count() == 1
    page.get_by_label("Find").fill("thre 3.13t")
    assert {(row[0], row[1]) for row in table_rows(page)} == {("threaded", "3.13t")}
    page.get_by_label("all workloads").check()
    assert {row[0] for row in table_rows(page)} == {"echo", "io", "cpu"}
    page.get_by_role("button", name="Reset").click()
    assert len(table_rows(page)) == 8


def test_page_table_offers_other_columns(page: Page) -> None:
    page.get_by_label("columns").select_option("where the time went")
    assert table_heads(page)[2:8] == [state.label for state in THREAD_STATES]
    page.get_by_label("columns").select_option("CPU, memory and tail latency")
    assert table_heads(page)[2:8] == ["throughput", "p99", "CPU", "range", "memory", "range"]
    figure = r"\d[\d,.]*"
    for row in table_rows(page):
        assert all(re.fullmatch(figure, cell) for cell in row[4:8:2])
        assert all(re.fullmatch(f"{figure}–{figure}", cell) for cell in row[5:8:2])


def test_page_marks_cells_with_their_warnings(page: Page) -> None:
    page.get_by_label("Find").fill("contended")
    assert {row[0] for row in table_rows(page)} == {"multiprocess"}
    link = page.locator("#cells-table tbody a").first
    assert link.get_attribute("href") == "#warning-contended"
    assert page.locator("#warning-contended").count() == 1
    assert any("warning: contended" in label for label in mark_labels(page))


def test_page_copies_the_table_as_markdown_and_csv(page: Page) -> None:
    page.get_by_role("button", name="Copy as Markdown").click()
    expect(page.locator("#said")).to_have_text("Copied 8 rows as Markdown.")
    head, rule, *rows = clipboard(page).splitlines()
    assert head.startswith("| workload | clients | model | interpreter | throughput (requests/s) | ")
    assert re.fullmatch(r"\|(-{3}:?\|)+", rule)
    assert len(rows) == 8
    assert {row.count("|") for row in (head, *rows)} == {rule.count("|")}
    page.get_by_role("button", name="Copy as CSV").click()
    expect(page.locator("#said")).to_have_text("Copied 8 rows as CSV.")
    found = list(csv.DictReader(io.StringIO(clipboard(page))))
    assert len(found) == 8
    for row in found:
        assert float(row["throughput_rps_low"]) <= float(row["throughput_rps"]) <= float(row["throughput_rps_high"])


def test_page_copies_the_command(page: Page) -> None:
    page.locator("[data-copy=command]").click()
    expect(page.locator("#said")).to_have_text("Copied the command.")
    assert clipboard(page) == page.locator("#command").inner_text()


def test_page_marks_show_their_value_to_pointer_and_keyboard(page: Page) -> None:
    first = page.locator("#view svg").first.locator(".mark").first
    first.hover()
    expect(page.locator("#tip")).to_contain_text("requests/s")
    page.mouse.move(0, 0)
    first.focus()
    before = page.locator("#tip").inner_text()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#tip")).not_to_have_text(before)
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    page.get_by_role("tab", name="Throughput").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Latency")).to_be_focused()
    expect(page.get_by_role("tab", name="Latency")).to_have_attribute("aria-selected", "true")


VIEWS = ("throughput", "latency", "time", "interpreters", "windows")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(browser: Browser, run: Path, scheme: Literal["light", "dark"]) -> None:
    with open_page(browser, run / "report.html", color_scheme=scheme) as page:
        assert not serious_findings(page)
        for view in VIEWS[1:]:
            page.locator(f"[data-view={view}]").click()
            assert not serious_findings(page, "#view"), view


def test_page_fits_a_phone(browser: Browser, run: Path) -> None:
    with open_page(browser, run / "report.html", viewport={"width": 360, "height": 700}) as page:
        for view in VIEWS:
            page.locator(f"[data-view={view}]").click()
            expect(page.locator(f"[data-view={view}]")).to_have_attribute("aria-selected", "true")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, view


def test_page_prints_without_controls(page: Page) -> None:
    page.emulate_media(media="print")
    expect(page.locator("#copy-csv")).to_be_hidden()
    expect(page.locator("#choose-models")).to_be_hidden()
    expect(page.locator("#cells-table")).to_be_visible()
    expect(page.locator("#honest")).to_be_visible()


def test_page_script_treats_names_as_text(browser: Browser, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=\"document.title='evil'\">|`"
    folder = Made(models=("serial", "threaded"), workloads=("cpu",), interpreters=(evil, "3.13"), passes=2).write(
        tmp_path / "r"
    )
    with open_page(browser, draw_without_plots(folder)) as page:
        assert page.title().startswith("gilbench")
        assert any(evil in row[1] for row in table_rows(page))
        assert page.locator("img").count() == 0
        page.get_by_role("button", name="Copy as Markdown").click()
        expect(page.locator("#said")).to_have_text(re.compile("as Markdown"))
        copied = clipboard(page).splitlines()
    assert any("\\<img src=x" in line for line in copied)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in copied} == {copied[1].count("|")}


def test_page_shows_missing_figures_as_dashes(browser: Browser, tmp_path: Path) -> None:
    made = Made(
        models=("threaded",), workloads=("io",), clients=(8,), interpreters=("3.13",), passes=1, accounted=False
    )
    with open_page(browser, draw_without_plots(made.write(tmp_path / "run"))) as page:
        assert "Fewer than two cells, so nothing is ranked." in page.locator("#honest").inner_text()
        (row,) = table_rows(page)
        assert row[table_heads(page).index("speed-up")] == "–"
        for view, says in (("CPU and GIL", "cannot be broken down"), ("Interpreters", "Nothing to compare")):
            page.get_by_role("tab", name=view).click()
            expect(page.locator("#view")).to_contain_text(says)


def test_page_data_are_json_of_finite_numbers(run: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8").split('id="data">')[1].split("</script>")[0]
    data = json.loads(text, parse_constant=pytest.fail)
    assert {len(column) for column in data["cells"].values()} == {len(data["windows"])} == {72}
