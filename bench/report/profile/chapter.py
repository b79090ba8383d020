"""Page chapter of profiles: cells that differ only in the interpreter are grouped."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from bench.analysis.profile import top
from bench.analysis.profile.load import PROFILE, Profile
from bench.narrative import wording
from bench.narrative.profiles import SEVERAL, describe_profile
from bench.report.inline import inline
from bench.report.plots.style import save, style
from bench.report.profile import graphs, timeline
from bench.report.profile.exports import speedscope, trace
from bench.report.templates import render_template

DRAWN: Final = ("gil", "cpu", "blocked")
LABELS: Final = {
    "timeline": "timeline",
    "tasks": "tasks",
    "cpu": "stacks: CPU",
    "gil": "stacks: GIL",
    "wall": "stacks: all",
}
"""What windows were profiled with."""
_TOP_LINES: Final = 6
_TITLES: Final = {
    "gil": "Lines that hold the GIL",
    "cpu": "Lines on a CPU, or in the queue for one",
    "blocked": "Lines that wait",
}


def chapter(profiles: Sequence[Profile], level: int) -> Markup:
    """Write timelines, graphs and exports into the profiles' folders, and return the chapter.

    Args:
        profiles: profiles of one run, sorted by group.
        level: level of its headings.

    Raises:
        OSError: a folder cannot be written to.
    """
    groups = [_group(name, list(found)) for name, found in itertools.groupby(profiles, lambda profile: profile.group)]
    return render_template(
        graphs.PACKAGE, "chapter.html.j2", level=level, groups=groups, css=graphs.css(), script=graphs.script()
    )


def _group(name: str, profiles: Sequence[Profile]) -> dict[str, Any]:
    baseline, *others = profiles
    folder = baseline.folder.parent
    with style():
        figure = timeline.draw(profiles)
    drawn = None if figure is None else inline(save(figure, folder, f"timeline-{name}"), f"timeline-{name}")
    cell = baseline.cell
    costs_of = [with_ for with_ in LABELS if any(with_ in profile.meta["costs"] for profile in profiles)]
    return {
        "id": name,
        "title": f"{cell.model}, {cell.workload}, {wording.plural(cell.clients, 'client')}",
        "says": [sentence for profile in profiles for sentence in describe_profile(profile)],
        "timeline": drawn,
        "costs_of": [LABELS[with_] for with_ in costs_of],
        "rows": [_row(profile, costs_of, _files(profile)) for profile in profiles],
        "notes": [note for profile in profiles for note in _notes(profile)],
        "tasks": [_tasks(profile) for profile in profiles if (profile.meta.get("tasks") or {}).get("rows")],
        "memory": [_memory(profile) for profile in profiles if profile.memory],
        "tops": [found for kind in DRAWN if (found := _top(profiles, kind))],
        "graphs": [*_graphs(profiles), *_differences(baseline, others)],
    }


def _row(profile: Profile, costs_of: Sequence[str], files: Sequence[str]) -> dict[str, Any]:
    costs = profile.meta["costs"]
    held = sum(taken.time_share for taken in top.functions(profile, "gil"))
    return {
        "interpreter": profile.interpreter,
        "profiler": profile.meta["profiler"] or "none that works here",
        "held": f"{held if held > SEVERAL else min(held, 1.0):.0%}" if held else wording.UNKNOWN,
        "costs": [_cost(costs.get(with_)) for with_ in costs_of],
        "files": [(name, f"{PROFILE}/{profile.folder.name}/{name}") for name in files],
    }


def _cost(cost: dict[str, Any] | None) -> tuple[str, str]:
    """Return the overhead of a profiler, and its interval."""
    if cost is None:
        return wording.UNKNOWN, ""
    interval = "" if cost["low"] is None else f"{_change(cost['low'], 0)} to {_change(cost['high'], 0)}"
    return _change(cost["ratio"], 1), interval


def _change(ratio: float, decimals: int) -> str:
    return f"{ratio - 1:+.{decimals}%}".replace("-", "−")


def _notes(profile: Profile) -> Iterator[str]:
    passed_over = "; ".join(f"not {name}: {reason}" for name, reason in profile.meta["passed_over"].items())
    if profile.meta["profiler"]:
        taken = f"{profile.interpreter}: stacks by {profile.meta['profiler']}, {profile.meta['why']}"
        yield f"{taken} ({passed_over})." if passed_over else f"{taken}."
    else:
        yield f"{profile.interpreter}: no profiler works here for its stacks ({passed_over})."
    for failure in profile.meta["failures"]:
        yield f"{profile.interpreter}: {failure}."


def _top(profiles: Sequence[Profile], kind: str) -> dict[str, Any] | None:
    found = [{taken.name: taken for taken in top.lines(profile, kind)} for profile in profiles]
    if not any(found):
        return None
    names = sorted(
        dict.fromkeys(name for one in found for name in one),
        key=lambda name: -max(one[name].time_share for one in found if name in one),
    )
    return {
        "title": _TITLES[kind],
        "interpreters": [profile.interpreter for profile in profiles],
        "rows": [
            (name, [wording.share(one[name].time_share) if name in one else wording.UNKNOWN for one in found])
            for name in names[:_TOP_LINES]
        ],
    }


def _tasks(profile: Profile) -> dict[str, Any]:
    found = profile.meta["tasks"]
    return {
        "title": f"What asyncio tasks await: {profile.interpreter}",
        "says": f"Mean number of tasks over {found['samples']} samples; others: futures or other tasks.",
        "rows": [
            (
                row["awaits"] or "others",
                f"{Path(row['file']).name}:{row['line']} {row['function']}" if row["function"] else wording.UNKNOWN,
                f"{row['tasks']:.1f}",
            )
            for row in found["rows"][:_TOP_LINES]
        ],
    }


def _memory(profile: Profile) -> dict[str, Any]:
    found = profile.memory
    after = found["after"]
    return {
        "title": f"Lines that hold memory: {profile.interpreter}",
        "says": (
            f"{wording.plural(after['processes'], 'process')} held {_kib(after['held_bytes'])} at the end of the load "
            f"({_kib(found['before']['held_bytes'])} before it, {_kib(after['peak_bytes'])} at most), as counted by "
            f"tracemalloc; {wording.rate(found['throughput_rps'])} requests/s with it."
        ),
        "rows": [
            (row["line"], _kib(row["after_bytes"]), _kib(row["after_bytes"] - row["before_bytes"]))
            for row in found["lines"][:_TOP_LINES]
        ],
    }


def _kib(count: int) -> str:
    return f"{count / 1024:,.1f} KiB"


def _graphs(profiles: Sequence[Profile]) -> Iterator[Markup]:
    for profile in profiles:
        for kind in DRAWN:
            drawn = graphs.graph(profile, kind)
            if drawn is not None:
                yield drawn


def _differences(baseline: Profile, others: Sequence[Profile]) -> Iterator[Markup]:
    for profile in others:
        for kind in DRAWN:
            drawn = graphs.graph(profile, kind, baseline)
            if drawn is not None:
                name = f"difference-{kind}-{profile.interpreter}-{baseline.interpreter}.html"
                (profile.folder / name).write_text(graphs.page(profile, kind, drawn), encoding="utf-8")
                yield drawn


def _files(profile: Profile) -> list[str]:
    """Write the exports for other programs, and a page for each flame graph; return their names."""
    written = {}
    for kind in DRAWN:
        drawn = graphs.graph(profile, kind)
        if drawn is not None:
            written[f"flame-{kind}.html"] = graphs.page(profile, kind, drawn)
    if profile.stacks:
        written["stacks.speedscope.json"] = json.dumps(speedscope(profile), separators=(",", ":"))
    if profile.lanes:
        written["timeline.trace.json"] = json.dumps(trace(profile), separators=(",", ":"))
    for name, text in written.items():
        (profile.folder / name).write_text(text, encoding="utf-8")
    folded = sorted(path.name for path in profile.folder.glob("*.folded"))
    return [*written, *folded]
