"""The life of a request: the mean latency, divided by state into parts that add up.

The seconds that the server's threads spent in a state, divided by the number of requests, are that state's part. What
else a client waits for is counted separately: connections that no worker had taken yet (the listening socket's queue,
and Little's law), and the time in which a worker held the client's connection and had nothing to do (the request or its
reply was in transit, or the client had not sent a request yet). Together the parts should equal the mean latency that
the client observed; a difference in either direction is reported as unexplained.

The time of a thread that only accepts is not counted directly: while it waits for the GIL, the connection is in the
queue; once it has started a worker, the worker's time counts. It is assigned the missing time, up to the time in which
it was not idle.

An event loop holds all clients at once, so its states apply to all of them: while it serves one, the others wait their
turn; while it is idle, all wait for something else at the same time. With a pool behind the loop, the rest counts as
waiting for a worker, so that nothing remains unexplained that could reveal an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from bench.analysis.load import Run
from bench.analysis.stats import CELL
from bench.schema.thread_state import BUSY_STATES

MAIN: Final = "main"
LOOP: Final = "event loop"
POOL: Final = "pool"

STATES: Final = tuple(state.key for state in BUSY_STATES)
TURN: Final = "turn"
OVERLAPPED: Final = "overlapped"
QUEUE: Final = "queue"
ACCEPTED: Final = "accepted"
ON_THE_WAY: Final = "on_the_way"
UNEXPLAINED: Final = "unexplained"
PARTS: Final = (*STATES, OVERLAPPED, TURN, QUEUE, ACCEPTED, ON_THE_WAY, UNEXPLAINED)
"""In the order in which they are drawn."""

LATENCY_S: Final = "latency"

Roles = Mapping[str, Mapping[str, float]]


def life(run: Run) -> pd.DataFrame:
    """Return the life of a request for each cell with known thread accounting.

    Returns:
        Indexed by :data:`~bench.analysis.stats.CELL`; a column of seconds per request for each of :data:`PARTS` (0 for
        parts that do not apply to a model, NaN for ``unexplained`` where nothing can be left over); and ``latency``,
        the mean that the clients observed. Windows are weighted by their requests.
    """
    alone = run.windows["background_rps"].isna()  # otherwise the accounting includes the computing clients' requests
    known = run.windows[run.windows["roles"].map(bool) & (run.windows["requests"] > 0) & alone]
    rows = [_seconds(window) for _, window in known.iterrows()]
    if not rows:
        return pd.DataFrame(columns=[*PARTS, LATENCY_S], index=pd.MultiIndex.from_tuples([], names=CELL), dtype=float)
    frame = pd.DataFrame(rows).groupby(CELL, sort=False).sum(min_count=1)
    return frame[[*PARTS, LATENCY_S]].div(frame["requests"], axis="index")


def _seconds(window: pd.Series[Any]) -> dict[str, Any]:
    """Return the seconds of a window in each part, over all its requests."""
    roles: Roles = window["roles"]
    wall_s, clients = float(window["wall_s"]), int(window["clients"])
    parts = dict.fromkeys(PARTS, 0.0)
    for name, role in roles.items():
        for state in STATES if name != MAIN else ():
            parts[state] += role["threads"] * role[state] * wall_s
    latency_s = float(window["latency_mean_ns"]) / 1e9 * float(window["requests"])
    if LOOP in roles and POOL in roles:
        parts[QUEUE] = max(0.0, latency_s - sum(parts.values()))
        parts[UNEXPLAINED] = float("nan")
    else:
        if LOOP in roles:
            busy_s = _busy_s(roles[LOOP], wall_s)
            parts[OVERLAPPED] = clients * (roles[LOOP]["threads"] * wall_s - busy_s)
            parts[TURN] = (clients - 1) * busy_s
        else:
            waiting = float(window["waiting_connections"])
            parts[QUEUE] = waiting * wall_s if waiting == waiting else 0.0  # noqa: PLR0124 - NaN: unknown
            parts[ON_THE_WAY] = sum(role["threads"] * role["client_wait"] for role in roles.values()) * wall_s
            parts[ACCEPTED] = min(max(latency_s - sum(parts.values()), 0.0), _busy_s(roles.get(MAIN), wall_s))
        parts[UNEXPLAINED] = latency_s - sum(parts.values())
    cell = {name: window[name] for name in CELL}
    return cell | parts | {LATENCY_S: latency_s, "requests": float(window["requests"])}


def _busy_s(role: Mapping[str, float] | None, wall_s: float) -> float:
    return sum(role[state] for state in STATES) * role["threads"] * wall_s if role else 0.0
