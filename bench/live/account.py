"""``python -m bench account PID``: where the time of a server goes that somebody else wrote and started."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from typing import Any

import psutil

from bench.errors import GilbenchError
from bench.schema.thread_state import BUSY_STATES, IDLE
from bench.terminal.console import Terminal
from bench.threads import usage
from bench.threads.account import Account, Role, account
from bench.threads.forbidden import forbidden
from bench.threads.sampler import Sampler
from bench.threads.wait_state import State
from loadgen.command_line import Parser
from loadgen.options import duration_s

_COLUMNS = {state.key: state.label for state in BUSY_STATES} | {State.CLIENT.value: "client", IDLE.key: IDLE.label}


def main(options: argparse.Namespace) -> int:
    """Sample the process for a while, show what was seen, and return the exit status."""
    found = watch(options.pid, options.duration)
    if options.json:
        sys.stdout.write(json.dumps(to_dict(found), indent=1) + "\n")
    else:
        _show(found)
    return 0


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="python -m bench account",
        description="Say where the time of a running server goes: on a CPU, in the queue for one, waiting for the GIL, "
        "for a lock, for something of its own, for a client, or idle.",
        examples=[
            ("python -m bench account PID", "over five seconds"),
            ("python -m bench account PID --duration 30s --json", "over thirty, with a row for each thread"),
        ],
        exits={0: "all well", 1: "the process cannot be inspected", 2: "wrong options"},
    )
    made.add_argument("pid", type=int, metavar="PID", help="of the server's first process")
    made.add_argument("--duration", type=duration_s, default=5.0, metavar="TIME", help="how long (default: 5s)")
    made.add_argument("--json", action="store_true", help="as JSON, with a row for each thread")
    return made


def watch(pid: int, duration_s: float) -> Account:
    """Return where the time of a running process and its children goes.

    Raises:
        GilbenchError: there is no such process, it is somebody else's, or it ended meanwhile.
    """
    try:
        with contextlib.closing(Sampler(pid, listening_ports(pid))) as sampler:
            before = usage.read(pid)
            sampler.begin()
            time.sleep(duration_s)
            sampler.end()
            after = usage.read(pid)
            samples = sampler.sample_idle()
    except PermissionError as exc:
        raise GilbenchError(forbidden(pid)) from exc
    except OSError as exc:
        raise GilbenchError(f"process {pid} cannot be inspected ({exc.strerror}): is it still running?") from exc
    # Each of its own interval, as for a window (bench/threads/watch.py): the edges were read in turn.
    found = account(samples, (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s) * samples.wall_s)
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
        "samples": found.samples,
        "overhead_cores": found.overhead_cores,
        "waiting_connections": found.waiting,
        "estimated": found.estimated,
    }


def _figures(role: Role) -> dict[str, float]:
    return {"threads": role.threads} | role.shares


def _show(found: Account) -> None:
    console = Terminal()
    rows = [
        (role.name, f"{role.threads:.1f}", *(f"{role.shares[state]:.1%}" for state in _COLUMNS))
        for role in (*found.roles, *([found.serving] if len(found.roles) > 1 else []))
    ]
    if found.errors:
        rows.append(("standard error", "", *(_error(found, state) for state in _COLUMNS)))
    figures = ("threads", *_COLUMNS.values())
    console.print(console.table(("", *figures), rows, folded=("",), right=figures))
    console.print(
        console.spell(
            f"\n{found.samples} samples in {found.wall_s:.1f} s, for {found.overhead_cores:.1%} of a core"
            + ("; threads came and went, so shares are estimates" if found.estimated else "")
        )
    )


def _error(found: Account, state: str) -> str:
    return f"±{found.errors[state]:.1%}" if state in found.errors else ""
