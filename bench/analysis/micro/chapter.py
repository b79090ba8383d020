"""The chapter of a page that tells what the microscope saw."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup

from bench.analysis.comparison import Verdict
from bench.analysis.micro import plots
from bench.analysis.micro.load import Micro
from bench.analysis.micro.tables import Time, duration, facts, races, times
from bench.analysis.page import inline
from bench.analysis.plots.style import render, style

MARKS: Final = {Verdict.FASTER: "▲", Verdict.SLOWER: "▼", Verdict.SAME: "=", Verdict.UNDECIDED: ""}
ADVICE: Final = (
    (
        "instance made at import, or the module itself",
        "as a rule: made once under the import system's lock, nothing to ask",
    ),
    ("double-checked locking", "where it must be made late: safe, and a hot call takes no lock"),
    ("__new__ with an RLock", "safe, but each call takes the lock, and threads queue for it"),
    ("functools.cache", "only where a second one does no harm: two threads that ask first may each get their own"),
    ("a metaclass without a lock, __new__ without a lock", "not where there are threads"),
)


PICTURES: Final = {"singletons": plots.singletons, "threads": plots.threads}


def chapter(micro: Micro, level: int) -> Markup:
    """Draw the pictures into the folder, and return the chapter.

    Args:
        micro: what was measured.
        level: of its headings.

    Raises:
        OSError: the folder cannot be written to.
    """
    pictures = {}
    for name, draw in PICTURES.items():
        with style():
            figure = draw(micro)
        if figure is not None:
            pictures[name] = _save(micro.folder, name, *render(figure, name))
    return _filled(
        "chapter",
        level=level,
        targets=micro.targets,
        rounds=micro.meta["rounds"],
        machine=micro.meta["machine"],
        versions={name: build["version"] for name, build in micro.meta["targets"].items()},
        groups=[(group, list(found)) for group, found in itertools.groupby(times(micro), lambda row: row.group)],
        races=races(micro, briefly=False),
        facts=[(group, list(found)) for group, found in itertools.groupby(facts(micro), lambda fact: fact.group)],
        pictures=pictures,
        failed=micro.failed,
        advice=ADVICE,
        told=told,
    )


def page(micro: Micro) -> Path:
    """Write a page of the chapter alone, and return its path.

    Raises:
        OSError: the folder cannot be written to.
    """
    path = micro.folder / "micro.html"
    path.write_text(_filled("micro", chapter=chapter(micro, level=2)), encoding="utf-8")
    return path


def told(time: Time) -> str:
    """Write a time, and what it is against the baseline's where that is known."""
    if time.ratio is None:
        return duration(time.seconds)
    return f"{duration(time.seconds)} {time.ratio.ratio:.2f}×{MARKS[time.verdict]}"


def _filled(template: str, **values: object) -> Markup:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bench.analysis.micro", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return Markup(environment.get_template(f"{template}.html.j2").render(**values))  # noqa: S704 - escaped as it was filled


def _save(folder: Path, name: str, svg: str, png: bytes) -> Markup:
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    (folder / f"{name}.png").write_bytes(png)
    return inline(svg, name)
