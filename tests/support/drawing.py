"""Pages without most of their plots, which take most of the drawing time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from bench.report.plots import PLOTS


@contextlib.contextmanager
def plots(*names: str) -> Iterator[None]:
    """Limit pages to these plots."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("bench.report.draw.PLOTS", {name: PLOTS[name] for name in names})
        yield
