"""Plots: colours, titles, texts, and the size and description of their files."""

from __future__ import annotations

import io
import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from bench.analysis.load import Run
from bench.analysis.stats import Spread
from bench.report import plots
from bench.report.inline import inline
from bench.report.plots import PLOTS, forest, head, palette_png, throughput, titles
from bench.report.plots.style import (
    COLOURS,
    LABELS,
    MODELS,
    PALETTE,
    PAPER,
    WIDEST,
    blank,
    description,
    short_names,
    style,
    to_png,
    to_svg,
)
from bench.report.plots.svg import BLACK
from tests.support.made import Made

LONG = "/opt/somewhere/else/python3.14"


def every(run: Run) -> dict[str, Figure]:
    with style():
        drawn = {name: plot(run) for name, plot in PLOTS.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Figure]:
    made = Made(("serial", "threaded"), ("io", "cpu"), (1, 4, 8), ("3.13", "3.13t", LONG), 2)
    return every(made.load(tmp_path_factory.mktemp("made")))


@pytest.fixture(scope="module")
def rendered(figures: dict[str, Figure]) -> dict[str, tuple[str, bytes]]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(plots.style, "DPI", 144)
        return {name: (to_svg(figures[name], name), to_png(figures[name])) for name in ("overlap", "life", "latency")}


# Colours.


def linear(colour: str) -> np.ndarray[Any, Any]:
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast_on_white(colour: str) -> float:
    return float(1.05 / (linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05))


def lab(rgb: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.clip(matrix @ rgb, 0, None) / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# Machado, Oliveira and Fernandes, IEEE TVCG 15, 2009; severity 1.
SEEN_BY = {
    "all": np.eye(3),
    "deuteranopes": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "protanopes": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
}


@pytest.mark.parametrize("who", SEEN_BY)
def test_style_gives_models_distinguishable_colours(who: str) -> None:
    seen = {model: lab(np.clip(SEEN_BY[who] @ linear(colour), 0, 1)) for model, colour in MODELS.items()}
    near = min(float(np.linalg.norm(seen[one] - seen[other])) for one, other in itertools.combinations(seen, 2))
    assert near > 12  # a difference of 2 is just visible


def test_style_makes_small_text_dark_enough() -> None:
    assert min(map(contrast_on_white, LABELS.values())) >= 4.5
    assert COLOURS.keys() == LABELS.keys()
    assert contrast_on_white(PALETTE["quiet"]) >= 4.5


def test_style_writes_colours_as_six_hex_digits() -> None:
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in PALETTE.values())


# Description and size of files.


def test_to_svg_describes_the_picture_in_its_files(
    figures: Mapping[str, Figure], rendered: Mapping[str, tuple[str, bytes]]
) -> None:
    assert figures.keys() == PLOTS.keys() - {"convoy"}
    for name, (svg, png) in rendered.items():
        shown = description(figures[name])
        title = next(text.get_text() for text in figures[name].texts if text.get_fontweight() == "bold")
        assert shown.startswith(title)
        assert f'role="img" aria-label="{shown}"' in svg.replace("&#x27;", "'").replace("&lt;", "<")
        assert Image.open(io.BytesIO(png)).info["Description"] == shown
        assert not re.search(r"<(metadata|style|title|!)", svg)


def test_to_svg_writes_small_files(rendered: Mapping[str, tuple[str, bytes]]) -> None:
    assert max(len(svg) for svg, _ in rendered.values()) < 40_000
    assert max(len(png) for _, png in rendered.values()) < 60_000


def test_to_svg_keeps_texts_as_texts(figures: Mapping[str, Figure], rendered: Mapping[str, tuple[str, bytes]]) -> None:
    for name, (svg, _) in rendered.items():
        texts = {text for node in ET.fromstring(svg).iter() if node.tag.endswith("}text") for text in node.itertext()}  # noqa: S314 - our own file
        written = {text.get_text() for text in figures[name].texts}
        assert {line for text in written for line in text.splitlines()} <= texts


def test_to_svg_escapes_what_would_be_markup() -> None:
    hostile = '<script>alert("#d55e00")</script> id="x" url(#y)'
    with style():
        figure = blank(3, 2)
        figure.text(0, 0, hostile, color=BLACK)
    svg = to_svg(figure, "one")
    root = ET.fromstring(inline(svg, "two"))  # noqa: S314 - our own file
    assert [node.text for node in root.iter() if node.tag.endswith("text")] == [hostile]
    assert "<script" not in svg


def test_inline_gives_a_picture_ids_of_its_own_and_the_colours_of_its_page() -> None:
    with style():
        figure = blank(3, 2)
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        axes.plot([0, 1], [1, 2], "s-", color=PALETTE["model-asyncio"])
    page = inline(to_svg(figure, "one"), "two")
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert ids
    assert all(one.startswith("two-") for one in ids)
    assert {*re.findall(r'(?:href="|url\()#([\w-]*)', page)} <= {*ids}
    assert not re.search(r'="#[0-9a-f]{6}"', page)
    assert f"var(--c-{PALETTE['model-asyncio'][1:]})" in page


def test_palette_png_keeps_frequent_colours() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (60, 60, 4), dtype=np.uint8)
    pixels[:40] = [213, 94, 0, 255]
    pixels[40:50] = [255, 255, 255, 255]
    image = Image.open(io.BytesIO(palette_png.png(pixels.tobytes(), (60, 60), 144, "what")))
    assert image.mode == "P"
    assert image.convert("RGB").getpixel((0, 0)) == (213, 94, 0)
    assert image.convert("RGB").getpixel((0, 45)) == (255, 255, 255)


# Texts.


def test_plots_have_no_cut_or_tiny_text(figures: Mapping[str, Figure]) -> None:
    for name, figure in figures.items():
        assert figure.get_figwidth() <= WIDEST + 0.01, name
        with style():
            figure.draw_without_rendering()
        beyond = _ticks_beyond(figure)
        for text in figure.findobj(Text):
            box = text.get_window_extent()
            if not text.get_visible() or not box.width or id(text) in beyond:
                continue
            assert min(box.x0, box.y0, figure.bbox.x1 - box.x1, figure.bbox.y1 - box.y1) >= -1, (name, text)
            assert float(text.get_fontsize()) >= 7.5, (name, text)


def _ticks_beyond(figure: Figure) -> set[int]:
    """Return the labels that are not drawn, because their ticks lie beyond the ends of their axis."""
    return {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }


def test_short_names_keeps_names_distinct_that_end_alike() -> None:
    found = short_names(["3.13", "/opt/new/bin/python3.14", "/opt/old/bin/python3.14", "/a/b/c/d/e/bin/python3.15"])
    assert len(set(found.values())) == 4
    assert max(map(len, found.values())) <= 22
    assert found["3.13"] == "3.13"
    assert found["/opt/new/bin/python3.14"] == "new/…/python3.14"
    assert len(set(short_names(["x" * 30 + "1", "y" * 30 + "1"]).values())) == 2


def test_head_takes_the_longest_title_that_fits() -> None:
    with style():
        figure = head.figure_with_head(
            5, 1, ["long " * 40, "short enough", "x"], "below " * 60, [head.Key("what", PAPER)] * 30
        )
    shown = [text.get_text() for text in figure.texts]
    assert shown[0] == "short enough"
    assert sum(line.startswith("below") for line in shown) > 1
    assert max(text.get_window_extent().x1 for text in figure.texts) <= figure.bbox.width


# Titles.


def spread(low: float, median: float, high: float) -> Spread:
    return Spread(median, low, high, 3)


def test_titles_name_those_ahead_by_their_ranges() -> None:
    found = {"a": spread(9, 10, 11), "b": spread(12, 13, 14), "c": spread(13.5, 14, 15)}
    assert titles.ahead(found) == ["c", "b"]
    assert titles.ahead(found, most=False) == ["a"]
    assert titles.ahead({}) == []


@pytest.mark.parametrize(
    ("threaded", "passes", "says"),
    [
        ((300, 310, 305), 3, "Most cpu requests/s with 4 clients: threaded (305/s)"),
        ((190, 210, 205), 3, "Most cpu requests/s with 4 clients: threaded or multiprocess"),
        ((300,), 1, "In one pass, most cpu requests/s with 4 clients: threaded (300/s)"),
    ],
)
def test_throughput_title_claims_no_more_than_the_figures_show(
    threaded: tuple[float, ...], passes: int, says: str, tmp_path: Path
) -> None:
    rates: dict[tuple[str, str, int, str, int], float] = {}
    for number in range(passes):
        rates["serial", "cpu", 4, "3.13", number] = 100
        rates["multiprocess", "cpu", 4, "3.13", number] = 200 + number
        rates["threaded", "cpu", 4, "3.13", number] = threaded[number]
    run = Made(("serial", "threaded", "multiprocess"), ("cpu",), (4,), ("3.13",), passes, rates=rates).load(tmp_path)
    with style():
        figure = throughput.draw(run)
    assert figure is not None
    assert description(figure).partition(". ")[0] == says


def test_forest_title_says_that_no_difference_is_significant(tmp_path: Path) -> None:
    made = Made(("serial",), ("cpu",), (1,), ("3.13", "3.14"), 3, noise=0.05)
    with style():
        figure = forest.draw(made.load(tmp_path))
    assert figure is not None
    assert description(figure).startswith("No significant difference from 3.13 in 1 cell")
