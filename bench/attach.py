"""``python -m bench account PID``: where the time of a server goes that somebody else wrote and started."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from bench.accounting import usage
from bench.accounting.account import CPU, RUN_QUEUE, Account, Role, account
from bench.accounting.sampler import Sampler
from bench.accounting.wait_state import State
from bench.errors import GilbenchError

_COLUMNS = {
    CPU: "CPU",
    RUN_QUEUE: "run queue",
    State.GIL.value: "GIL",
    State.LOCK.value: "lock",
    State.OWN.value: "own wait",
    State.CLIENT.value: "client",
    State.IDLE.value: "idle",
}


def main(options: argparse.Namespace) -> int:
    """Look at the process for a while, show what was seen, and return the exit status."""
    found = watch(options.pid, options.duration)
    if options.json:
        sys.stdout.write(json.dumps(to_dict(found), indent=1) + "\n")
    else:
        _show(found)
    return 0


def watch(pid: int, duration_s: float) -> Account:
    """Return where the time of a running process and its children goes.

    Raises:
        GilbenchError: there is no such process, it is somebody else's, or it ended meanwhile.
    """
    try:
        sampler = Sampler(pid, listening_ports(pid))
        try:
            before = usage.read(pid)
            sampler.begin()
            time.sleep(duration_s)
            sampler.end()
            after = usage.read(pid)
        finally:
            sampler.close()
    except PermissionError as problem:
        raise GilbenchError(f"process {pid} is not yours to look at: run as its user, or as root") from problem
    except OSError as problem:
        raise GilbenchError(
            f"process {pid} cannot be looked at ({problem.strerror}): is it still running?"
        ) from problem
    found = account(sampler.without_load(), after.cpu_s - before.cpu_s)
    if found is None:
        raise GilbenchError(f"no thread of process {pid} was seen: watch for longer with --duration")
    return found


def listening_ports(pid: int) -> frozenset[int]:
    """Return the TCP ports at which a process or a child of its listens."""
    try:
        first = psutil.Process(pid)
        sockets = [
            one for process in (first, *first.children(recursive=True)) for one in process.net_connections("tcp")
        ]
    except psutil.Error:
        return frozenset()
    return frozenset(one.laddr.port for one in sockets if one.status == psutil.CONN_LISTEN)


def to_dict(found: Account) -> dict[str, Any]:
    """Return an account as it stands in JSON: shares by role and by thread, and the errors of the serving ones."""
    return {
        "wall_s": found.wall_s,
        "serving": _figures(found.serving),
        "standard_error": found.errors,
        "roles": {role.name: _figures(role) for role in found.roles},
        "threads": {tid: {"role": role.name} | role.shares for tid, role in sorted(found.each.items())},
        "looks": found.looks,
        "cost_cores": found.cost_cores,
        "waiting_connections": found.waiting,
        "estimated": found.estimated,
    }


def _figures(role: Role) -> dict[str, float]:
    return {"threads": role.threads} | role.shares


def _show(found: Account) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("", "threads", *_COLUMNS.values()):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for role in (*found.roles, *([found.serving] if len(found.roles) > 1 else [])):
        table.add_row(role.name, f"{role.threads:.1f}", *(f"{role.shares[state]:.1%}" for state in _COLUMNS))
    if found.errors:
        table.add_row("standard error", "", *(_error(found, state) for state in _COLUMNS))
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"\n{found.looks} looks in {found.wall_s:.1f} s, for {found.cost_cores:.1%} of a core"
        + ("; threads came and went, so shares are estimates" if found.estimated else "")
    )


def _error(found: Account, state: str) -> str:
    return f"±{found.errors[state]:.1%}" if state in found.errors else ""
