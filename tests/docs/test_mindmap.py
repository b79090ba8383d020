"""The mind map: its figures, its files and its layout."""

from __future__ import annotations

import html
import shutil
from pathlib import Path

import pytest

from bench.report.plots.style import description, style, to_png, to_svg
from docs.generate import mindmap
from docs.generate.mindmap_figures import Figures
from docs.sessions import ROOT
from loadgen.errors import GilbenchError


@pytest.fixture(scope="module")
def figures() -> Figures:
    return Figures(ROOT / mindmap.EXAMPLE)


def test_mindmap_files_show_the_figures_of_the_example_run(figures: Figures) -> None:
    with style():
        figure = mindmap.draw(figures)
    for ending in ("svg", "png"):
        committed = (ROOT / mindmap.FOLDER / f"{mindmap.NAME}.{ending}").read_bytes()
        assert description(figure).encode() in html.unescape(committed.decode(errors="replace")).encode(), (
            "python -m docs.generate.mindmap draws it again"
        )


def test_mindmap_draws_the_same_files_each_time(figures: Figures) -> None:
    with style():
        first, second = (mindmap.draw(figures) for _ in range(2))
    assert to_svg(first, mindmap.NAME) == to_svg(second, mindmap.NAME)
    assert to_png(first) == to_png(second)


def test_mindmap_fits_its_text_into_cards(figures: Figures) -> None:
    with style():
        figure = mindmap.draw(figures)
        axes = figure.axes[0]
        left, right = (axes.transData.transform((x, 0))[0] for x in (mindmap.MARGIN, mindmap.WIDTH - mindmap.MARGIN))
        boxes = [text.get_window_extent() for text in axes.texts]
    assert all(left < box.x0 and box.x1 < right for box in boxes)
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_figures_refuse_a_run_without_microbenchmarks(tmp_path: Path) -> None:
    for name in ("run.json", "records.jsonl"):
        shutil.copy(ROOT / mindmap.EXAMPLE / name, tmp_path)
    with pytest.raises(GilbenchError, match="micro"):
        Figures(tmp_path)
