"""Thread accounting of any running server, also one that gilbench did not start."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import psutil

from bench.errors import GilbenchError
from bench.threads import usage
from bench.threads.account import Account, Role, account
from bench.threads.forbidden import forbidden
from bench.threads.process_state import check_process, describe_halted
from bench.threads.sampler import QUIET_CORES, Sampler


def watch(pid: int, duration_s: float, quiet_first_s: float = 0.0) -> Account:
    """Return the thread accounting of a running process and its children.

    Args:
        pid: the server's first process.
        duration_s: how long to sample.
        quiet_first_s: for how long the server has no load yet, so that it can be seen where its threads wait for work.

    Raises:
        GilbenchError: there is no such process, it belongs to another user, it has ended, or it was not quiet.
    """
    check_process(pid)
    _refuse_halted(pid)
    try:
        with contextlib.closing(Sampler(pid, listening_ports(pid))) as sampler:
            if quiet_first_s:
                _learn_quiet(sampler, quiet_first_s)
            before = usage.read(pid)
            sampler.begin()
            time.sleep(duration_s)
            sampler.end()
            after = usage.read(pid)
            samples = sampler.sample_idle()
            _refuse_halted(pid)
    except PermissionError as exc:
        raise GilbenchError(forbidden(pid)) from exc
    except OSError as exc:
        raise GilbenchError(f"cannot inspect process {pid} ({exc.strerror}): check that it is still running") from exc
    # A rate, as for a window (bench/threads/watch.py), as the edges were read in turn.
    found = account(samples, (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s) * samples.wall_s)
    if found is None:
        raise GilbenchError(f"no thread of process {pid} was seen: watch it for longer with --duration")
    return found


def _learn_quiet(sampler: Sampler, duration_s: float) -> None:
    cores = sampler.learn_quiet(duration_s)
    if cores > QUIET_CORES:
        raise GilbenchError(
            f"the server was not quiet, it used {cores:.2f} CPUs in the first {duration_s:g} s: "
            "start its load after them, or leave out --quiet-first"
        )


def _refuse_halted(pid: int) -> None:
    for sentence in describe_halted([pid]).values():
        raise GilbenchError(sentence)


def listening_ports(pid: int) -> frozenset[int]:
    """Return the TCP ports on which a process or one of its descendants listens."""
    try:
        first = psutil.Process(pid)
        sockets = [
            one for process in (first, *first.children(recursive=True)) for one in process.net_connections("tcp")
        ]
    except psutil.Error:
        return frozenset()
    return frozenset(one.laddr.port for one in sockets if one.status == psutil.CONN_LISTEN)


def account_to_dict(found: Account) -> dict[str, Any]:
    """Return an account as a JSON object: shares by role and by thread, and the errors of the serving threads."""
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
