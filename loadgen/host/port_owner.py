"""The process behind an address of this machine."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable
from typing import Any

import psutil

from loadgen.errors import GilbenchError
from loadgen.host import addresses


def find_owner(host: str, port: int) -> int | None:
    """Return the process that listens on an address of this machine.

    Of a parent and its children that share it, that is the parent, whose tree includes them all. ``None`` if the
    address is not of this machine, or if the system does not say, or if unrelated processes share it.
    """
    try:
        if not addresses.is_here(host):
            return None
        if host.startswith(addresses.UNIX):
            return _first_parent(_holders(host.removeprefix(addresses.UNIX)))
        return _first_parent(_listeners(addresses.numeric(host), port))
    except (psutil.Error, OSError, GilbenchError):
        return None


def _listeners(hosts: Iterable[str], port: int) -> set[int]:
    """Return the processes that listen on one of these addresses or, if there is none, on all addresses."""
    exact, wild = set(), set()
    for one in psutil.net_connections(kind="tcp"):
        address: Any = one.laddr
        if one.status != psutil.CONN_LISTEN or not one.pid or address.port != port:
            continue
        own = ipaddress.ip_address(addresses.plain(address.ip))
        for host in map(ipaddress.ip_address, hosts):
            if host == own or host.is_unspecified:
                exact.add(one.pid)
            elif own.is_unspecified and own.version in {host.version, 6}:  # :: takes both
                wild.add(one.pid)
    return exact or wild


def _holders(path: str) -> set[int]:
    found: Any = psutil.net_connections(kind="unix")
    return {one.pid for one in found if one.laddr == path and one.pid}


def _first_parent(pids: set[int]) -> int | None:
    """Return the process of which all others descend; ``None`` if there is no such process."""
    parents: dict[int, set[int]] = {}
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            parents[pid] = {one.pid for one in psutil.Process(pid).parents()}
    roots = [pid for pid, above in parents.items() if not above & pids]
    return roots[0] if len(roots) == 1 else None
