"""Flame graphs as HTML: a fragment for a page, and a standalone page."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from bench.analysis.profile import flame
from bench.analysis.profile.flame import Box
from bench.analysis.profile.load import Profile
from bench.analysis.profile.top import drop_c_frames
from bench.report import theme
from bench.report.templates import render_template

PACKAGE: Final = "bench.report.profile"
TITLES: Final = {
    "cpu": "On a CPU, or in the queue for one",
    "gil": "Holding the GIL",
    "blocked": "Blocked",
    "wall": "All of the time",
}
_BOX_PX: Final = 19


def graph(profile: Profile, kind: str, baseline: Profile | None = None) -> Markup | None:
    """Return the flame graph of a kind, or its difference from another's; ``None`` if there is nothing to show."""
    stacks = profile.stacks.get(kind)
    others = None if baseline is None else baseline.stacks.get(kind)
    if not stacks or (baseline is not None and not others):
        return None
    if baseline is not None and others and profile.meta["profiler"] != baseline.meta["profiler"]:
        stacks, others = drop_c_frames(stacks), drop_c_frames(others)  # not every profiler has them
    boxes = flame.boxes(stacks, others)
    against = None if baseline is None else baseline.interpreter
    return render_template(
        PACKAGE,
        "flame.html.j2",
        title=f"{TITLES[kind]}: {profile.interpreter}" + (f" compared with {against}" if against else ""),
        about=_about(profile, kind, stacks.total(), against),
        key=_key(boxes, against),
        depth=1 + max((box.depth for box in boxes), default=0),
        boxes=[_box(box, against) for box in boxes],
    )


def page(profile: Profile, kind: str, drawn: Markup) -> str:
    """Return a page of one flame graph."""
    return render_template(
        PACKAGE,
        "flame_page.html.j2",
        theme=theme.css(),
        title=f"{profile.name}, {kind}",
        graph=drawn,
        css=css(),
        script=script(),
    )


def css() -> Markup:
    """Return the style sheet of all flame graphs."""
    return Markup((files(PACKAGE) / "flame.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file


def script() -> Markup:
    """Return the script of all flame graphs."""
    return Markup((files(PACKAGE) / "flame.js").read_text(encoding="utf-8"))  # noqa: S704 - our own file


def _about(profile: Profile, kind: str, samples: int, against: str | None) -> str:
    sampled_s = float(profile.meta["sampled_s"].get(kind) or 0.0)
    shown = f"{samples:,} samples in {sampled_s:.1f} s of load, by {profile.meta['profiler']}"
    if against:
        return f"{shown}; width: share on {profile.interpreter}, colour: difference from {against}"
    return shown


def _key(boxes: list[Box], against: str | None) -> list[tuple[str, str]]:
    if against:
        return [("more", f"larger share than on {against}"), ("less", "smaller"), ("same", "the same")]
    there = {box.kind for box in boxes}
    return [(kind, label) for kind, label in flame.ORIGINS.items() if kind in there]


def _box(box: Box, against: str | None) -> dict[str, Any]:
    shown = f"{box.name}: {box.width:.1%}"
    appearance, by = box.kind, ""
    if box.other is not None and against:
        shown += f", {box.other:.1%} on {against}"
        appearance = "more" if box.change > 0 else "less" if box.change < 0 else "same"
        by = f";--by:{100 * abs(box.change):.0f}%"
    return {
        "name": box.name,
        "title": shown,
        "appearance": appearance,
        "by": Markup(by),  # noqa: S704 - a number
        "left": f"{box.left:.6f}",
        "width": f"{box.width:.6f}",
        "left_percent": f"{100 * box.left:.4f}",
        "width_percent": f"{100 * box.width:.4f}",
        "top": _BOX_PX * box.depth,
    }
