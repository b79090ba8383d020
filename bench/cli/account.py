"""``gilbench account``: where the time of a running server goes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from bench.live.account import account_to_dict, watch
from bench.schema.thread_state import BUSY_STATES, IDLE
from bench.terminal.console import Terminal
from bench.threads.account import Account
from bench.threads.wait_state import State
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.duration import duration_s

_COLUMNS = {state.key: state.label for state in BUSY_STATES} | {State.CLIENT.value: "client", IDLE.key: IDLE.label}


def main(words: Sequence[str] | None = None) -> int:
    """Sample the process, show where its time went, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench account",
        description="Show where the time of a running server goes: on a CPU, in the run queue, waiting for the GIL or "
        "a lock, blocked (I/O, sleeps, other services), waiting for a client, or idle.",
        examples=[
            ("gilbench account PID", "over 5 seconds"),
            ("gilbench account PID --duration 30s --json", "over 30 seconds, with a row for each thread"),
            ("gilbench account PID --quiet-first 2s", "start it, then the load: where threads wait for work is known"),
        ],
        exits={FAILED: "the process cannot be inspected"},
    )
    made.add_argument("pid", type=int, metavar="PID", help="process ID of the server's main process")
    made.add_argument(
        "--duration", type=duration_s, default=5.0, metavar="TIME", help="how long to sample (default: 5s)"
    )
    made.add_argument(
        "--quiet-first",
        type=duration_s,
        default=0.0,
        metavar="TIME",
        help="how long the server has no load yet, to learn where its threads wait for work: without it, a wait for "
        "work in a queue can look like one for a lock (default: 0s)",
    )
    made.add_argument("--json", action="store_true", help="print JSON, with a row for each thread")
    return made


def _run(options: argparse.Namespace) -> int:
    found = watch(options.pid, options.duration, options.quiet_first)
    if options.json:
        sys.stdout.write(json.dumps(account_to_dict(found), indent=1) + "\n")
    else:
        _show(found)
    return DONE


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
            f"\n{found.samples} samples in {found.wall_s:.1f} s; overhead: {found.overhead_cores:.1%} of a core"
            + ("; threads started or ended, so shares are estimates" if found.estimated else "")
        )
    )


def _error(found: Account, state: str) -> str:
    return f"±{found.errors[state]:.1%}" if state in found.errors else ""
