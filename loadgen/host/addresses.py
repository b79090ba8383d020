"""Addresses of servers and of this machine, as the kernel reads them."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Sequence
from typing import Any, Final

import psutil

from loadgen.errors import GilbenchError

UNIX: Final = "unix:"
"""Prefix of the path of a Unix socket in place of a host."""

_LONGEST_PATH: Final = 107  # bytes, sun_path of unix(7) without its NUL


def resolve(host: str, port: int, timeout_s: float, *, every: bool = False) -> tuple[bytes, ...]:
    """Resolve ``host`` and return its addresses, each a ``struct sockaddr``.

    A name such as localhost may have several addresses: the result is the first that accepts a connection within
    ``timeout_s``, or else the last; with ``every``, all of them.

    Raises:
        GilbenchError: the name does not resolve.
    """
    if host.startswith(UNIX):
        return (_unix(host.removeprefix(UNIX)),)
    found = _look_up(host, port)
    if every:
        return tuple(dict.fromkeys(_pack(family, where) for family, where in found))
    *others, last = found
    family, where = next((address for address in others if _accepts(*address, timeout_s)), last)
    return (_pack(family, where),)


def bind_addresses(hosts: Sequence[str]) -> tuple[bytes, ...]:
    """Return the addresses to connect from, each a ``struct sockaddr`` with port 0.

    Raises:
        GilbenchError: one of them is not an address of this machine.
    """
    packed = []
    for host in hosts:
        family, where = _look_up(host, 0)[0]
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.bind(where)
        except OSError as exc:
            raise GilbenchError(f"cannot bind to {host}: {exc.strerror}; use an address of this machine") from exc
        packed.append(_pack(family, where))
    return tuple(packed)


def family(packed: bytes) -> int:
    """Return the address family of a ``struct sockaddr``."""
    return int(struct.unpack_from("=H", packed)[0])


def is_here(host: str) -> bool:
    """Return whether every address of ``host`` is one of this machine.

    Raises:
        GilbenchError: the name does not resolve.
    """
    if host.startswith(UNIX):
        return True
    own = {plain(one.address) for cards in psutil.net_if_addrs().values() for one in cards}
    return all(_is_own(plain(str(where[0])), own) for _, where in _look_up(host, 0))


def numeric(host: str) -> tuple[str, ...]:
    """Return the addresses of ``host`` as text; an IPv4 address mapped to IPv6 is an IPv4 address.

    Raises:
        GilbenchError: the name does not resolve.
    """
    return tuple(dict.fromkeys(plain(str(where[0])) for _, where in _look_up(host, 0)))


def _is_own(address: str, own: set[str]) -> bool:
    ip = ipaddress.ip_address(address)
    return ip.is_loopback or ip.is_unspecified or address in own


def plain(address: str) -> str:
    """Return an address without its interface, and an IPv4 address mapped to IPv6 (RFC 4291) as what it is."""
    with contextlib.suppress(ValueError):  # of a card without IP
        ip = ipaddress.ip_address(address.partition("%")[0])
        return str(getattr(ip, "ipv4_mapped", None) or ip)
    return address


def _look_up(host: str, port: int) -> list[tuple[int, Any]]:
    try:
        return [(entry[0], entry[4]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as exc:  # UnicodeError: a label is empty or too long
        reason = getattr(exc, "strerror", None) or exc
        raise GilbenchError(f"cannot find the host {host!r}: {reason}; check the name, or give an address") from exc


def _pack(family: int, where: Any) -> bytes:
    packed = socket.inet_pton(family, str(where[0]).partition("%")[0])
    port = socket.htons(int(where[1]))
    if family == socket.AF_INET6:
        scope = where[3] if len(where) > 3 else 0
        return struct.pack("=HHI16sI", family, port, 0, packed, scope)
    return struct.pack("=HH4s8x", family, port, packed)


def _unix(path: str) -> bytes:
    name = path.encode()
    if not 0 < len(name) <= _LONGEST_PATH:
        raise GilbenchError(f"the path of a Unix socket has 1 to {_LONGEST_PATH} bytes, not {len(name)}: use a shorter")
    return struct.pack("=H", socket.AF_UNIX) + name + b"\0"


def _accepts(family: int, where: Any, timeout_s: float) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(timeout_s)
            return probe.connect_ex(where) == 0
    except OSError:  # no sockets of this family
        return False
