"""Page chapter of the microbenchmarks."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

from markupsafe import Markup

from bench.analysis.micro import Micro
from bench.analysis.verdict import Verdict
from bench.report import theme
from bench.report.inline import inline
from bench.report.micro import plots
from bench.report.micro.tables import Time, duration, facts, races, times
from bench.report.plots.style import save, style
from bench.report.templates import render_template

MARKS: Final = {Verdict.FASTER: "▲", Verdict.SLOWER: "▼", Verdict.SAME: "=", Verdict.UNDECIDED: ""}
ADVICE: Final = (
    (
        "instance made at import, or the module itself",
        "the default: created once under the import system's lock, with nothing to check",
    ),
    ("double-checked locking", "if it must be created late: safe, and later calls take no lock"),
    ("__new__ with an RLock", "safe, but each call takes the lock, and threads queue for it"),
    ("functools.cache", "only if a second instance does no harm: two threads that call first may each get their own"),
    ("a metaclass without a lock, __new__ without a lock", "not with threads"),
)


PACKAGE: Final = "bench.report.micro"
PICTURES: Final = {"singletons": plots.singletons, "threads": plots.threads}


def chapter(micro: Micro, level: int) -> Markup:
    """Draw the plots into the folder, and return the chapter.

    Args:
        micro: the results.
        level: level of its headings.

    Raises:
        OSError: the folder cannot be written to.
    """
    pictures = {}
    for name, draw in PICTURES.items():
        with style():
            figure = draw(micro)
        if figure is not None:
            pictures[name] = inline(save(figure, micro.folder, name), name)
    return render_template(
        PACKAGE,
        "chapter.html.j2",
        level=level,
        interpreters=micro.interpreters,
        rounds=micro.meta.rounds,
        machine=micro.meta.machine,
        versions={name: build.version for name, build in micro.meta.interpreters.items()},
        groups=[(group, list(found)) for group, found in itertools.groupby(times(micro), lambda row: row.group)],
        races=races(micro, briefly=False),
        facts=[(group, list(found)) for group, found in itertools.groupby(facts(micro), lambda fact: fact.group)],
        pictures=pictures,
        failed=micro.failed,
        advice=ADVICE,
        write=write_time,
    )


def page(micro: Micro) -> Path:
    """Write a page with only this chapter, and return its path.

    Raises:
        OSError: the folder cannot be written to.
    """
    path = micro.folder / "micro.html"
    page = render_template(PACKAGE, "micro.html.j2", theme=theme.css(), chapter=chapter(micro, level=2))
    path.write_text(page, encoding="utf-8")
    return path


def write_time(time: Time) -> str:
    """Format a time, with its ratio to the baseline's if known."""
    if time.ratio is None:
        return duration(time.seconds)
    return f"{duration(time.seconds)} {time.ratio.ratio:.2f}×{MARKS[time.verdict]}"
