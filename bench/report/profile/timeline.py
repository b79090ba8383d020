"""The timeline: a lane for each thread, coloured by state, and the requests of a few clients on the same axis.

Short-lived threads share lanes: a thread that begins after another has ended takes its lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from bench.analysis.profile.concurrency import running_at_once
from bench.analysis.profile.load import Lane, Profile, Request
from bench.narrative import wording
from bench.report.plots import style
from bench.report.plots.head import Key, figure_with_head, place
from bench.schema.thread_state import BLOCKED, CPU, GIL_WAIT, IDLE, LOCK_WAIT, RUN_QUEUE

SHOWN_US: Final = 200_000.0
MOST_LANES, MOST_CLIENTS = 12, 4
_ASLEEP: Final = 0.98  # a lane that is idle for more than this share is left out

# Inches.
WIDTH, LEFT, RIGHT, BOTTOM, LANE, CLIENT, TITLE = 11.0, 0.85, 0.25, 0.5, 0.24, 0.12, 0.36
POINTS_PER_INCH: Final = 72


class Appearance(NamedTuple):
    """Appearance of a state: high bars for running on a CPU, low bars for waiting."""

    label: str
    colour: str
    height: float


APPEARANCES: Final = {
    "holding": Appearance("runs, holding the GIL that others wait for", style.STATES["holding"], 0.86),
    "running": Appearance("runs", CPU.colour, 0.86),
    **{state.key: Appearance(state.phrase, state.colour, 0.34) for state in (GIL_WAIT, RUN_QUEUE, LOCK_WAIT, BLOCKED)},
    IDLE.key: Appearance("idle: no work", IDLE.colour, 0.1),
}
_REQUEST: Final = (style.QUIET, style.AXIS)  # alternating


class Panel(NamedTuple):
    """The part of one profile that is drawn."""

    profile: Profile
    begin_us: float
    end_us: float
    lanes: list[tuple[str, list[tuple[float, float, str]]]]
    clients: list[tuple[str, list[Request]]]

    @property
    def height(self) -> float:
        return LANE * len(self.lanes) + CLIENT * len(self.clients) + 0.1


def draw(profiles: Sequence[Profile]) -> Figure | None:
    """Return the figure of profiles of one group, one below the other; ``None`` if none has a timeline."""
    panels = [_panel(profile) for profile in profiles if profile.lanes]
    if not panels:
        return None
    body = sum(panel.height + TITLE for panel in panels) + BOTTOM
    used = {doing for panel in panels for _, spans in panel.lanes for _, _, doing in spans}
    keys = [Key(appearance.label, appearance.colour) for doing, appearance in APPEARANCES.items() if doing in used]
    figure = figure_with_head(WIDTH, body, _finding(panels), f"{_about(panels[0])}; {_note(panels)}", keys)
    below = body
    for panel in panels:
        below -= TITLE + panel.height
        axes = place(figure, LEFT, below, WIDTH - LEFT - RIGHT, panel.height)
        _draw(axes, panel)
        if panel is panels[-1]:
            axes.set_xlabel("milliseconds")
        else:
            axes.tick_params(labelbottom=False)
    return figure


def _finding(panels: Sequence[Panel]) -> str:
    cell = panels[0].profile.cell
    first, *others = [(f"{running_at_once(one.profile):.1f}", one.profile.interpreter) for one in panels]
    shown = ", ".join(
        [f"{first[0]} threads run at once on {first[1]}", *(f"{many} on {name}" for many, name in others)]
    )
    return f"{cell.model}, {cell.workload}, {wording.plural(cell.clients, 'client')}: {shown}"


def _about(panel: Panel) -> str:
    shown_ms = (panel.end_us - panel.begin_us) / 1e3
    return f"{shown_ms:.0f} ms from the middle of the window; each lane is a thread, with the clients' requests below"


def _panel(profile: Profile) -> Panel:
    begin_us = max(0.0, profile.end_us / 2 - SHOWN_US / 2)
    end_us = min(profile.end_us, begin_us + SHOWN_US)
    return Panel(profile, begin_us, end_us, _lanes(profile, begin_us, end_us), _clients(profile, begin_us, end_us))


def _lanes(profile: Profile, begin_us: float, end_us: float) -> list[tuple[str, list[tuple[float, float, str]]]]:
    """Return the lanes and their names; threads that follow each other share one."""
    several = len({lane.pid for lane in profile.lanes}) > 1
    packed: list[tuple[Lane, list[tuple[float, float, str]]]] = []
    for lane in profile.lanes:
        spans = [(max(b, begin_us), min(e, end_us), doing) for b, e, doing in lane.spans if b < end_us and e > begin_us]
        busy = sum(e - b for b, e, doing in spans if doing != "idle")
        asleep = busy <= (1 - _ASLEEP) * (end_us - begin_us)
        if not spans or (asleep and lane.spans[0][0] < begin_us):
            continue
        free = next((one for _, one in packed if one[-1][1] <= spans[0][0]), None)
        if free is not None:
            free += spans
        else:
            packed.append((lane, spans))
    kind = "process" if several else "thread"
    return [(f"{kind} {number}", spans) for number, (_, spans) in enumerate(packed[:MOST_LANES], 1)]


def _clients(profile: Profile, begin_us: float, end_us: float) -> list[tuple[str, list[Request]]]:
    numbers = sorted({request.client for request in profile.requests})[:MOST_CLIENTS]
    return [
        (
            f"client {number + 1}",
            [
                request
                for request in profile.requests
                if request.client == number and request.begin_us < end_us and request.end_us > begin_us
            ],
        )
        for number in numbers
    ]


def _draw(axes: Axes, panel: Panel) -> None:
    places, names = [], []
    at = 0.0
    for name, spans in panel.lanes:
        at -= LANE
        middle = at + LANE / 2
        for doing, appearance in APPEARANCES.items():
            height = appearance.height * LANE
            _bars(
                axes,
                panel,
                [(b, e) for b, e, done in spans if done == doing],
                middle - height / 2,
                height,
                appearance.colour,
            )
        places.append(middle)
        names.append(name)
    at -= 0.06
    for name, requests in panel.clients:
        at -= CLIENT
        for parity, colour in enumerate(_REQUEST):
            asked = [(request.begin_us, request.end_us) for request in requests[parity::2]]
            _bars(axes, panel, asked, at + CLIENT * 0.15, CLIENT * 0.7, colour)
        places.append(at + CLIENT / 2)
        names.append(name)
    axes.set_ylim(-panel.height, 0)  # one unit is an inch
    axes.set_xlim(0, (panel.end_us - panel.begin_us) / 1e3)
    axes.set_yticks(places, names, fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_title(f"{panel.profile.cell.model} on {panel.profile.interpreter}", fontsize=9.5)


def _bars(  # noqa: PLR0917 - where, what, and how
    axes: Axes, panel: Panel, spans: Sequence[tuple[float, float]], y: float, height: float, colour: str
) -> None:
    """Draw spans of time as one line as thick as they are high, clipped to the panel."""
    ends = [
        ((min(max(us, panel.begin_us), panel.end_us) - panel.begin_us) / 1e3, y + height / 2)
        for span in spans
        for us in span
    ]
    if ends:
        path = Path(ends, [Path.MOVETO, Path.LINETO] * len(spans))
        look = {"edgecolor": colour, "linewidth": height * POINTS_PER_INCH, "capstyle": "butt"}
        axes.add_patch(PathPatch(path, facecolor="none", **look))


def _note(panels: Sequence[Panel]) -> str:
    shown = []
    for panel in panels:
        seen = panel.profile.meta["timeline"]
        cost = panel.profile.meta["costs"].get("timeline")
        lost = ""
        if cost and cost["low"] is not None:
            ends = f"{100 * (cost['low'] - 1):+.0f} to {100 * (cost['high'] - 1):+.0f}%"
            lost = f", throughput with it {100 * (cost['ratio'] - 1):+.0f}% ({ends})"
        shown.append(
            f"{panel.profile.interpreter}: a sample every {seen['resolution_us'] / 1e3:.1f} ms, overhead "
            f"{seen['overhead_cores']:.0%} of a core{lost}"
        )
    return f"sampled from outside, without stopping the server; {'; '.join(shown)}".replace("-", "−")
