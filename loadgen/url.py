"""Addresses as users write them: ``HOST:PORT``, ``unix:/PATH`` and URLs (RFC 3986)."""

from __future__ import annotations

import argparse
import base64
import re
import urllib.parse
from typing import Final, NamedTuple

from loadgen.host.addresses import UNIX

_PORTS: Final = {"http": 80, "https": 443}
_SAFE: Final = "/%:?@!$&'()*+,;=~[]"  # reserved characters (RFC 3986, 2.2), and % of what is encoded already
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Url(NamedTuple):
    """Where to put load.

    Attributes:
        host: name or address, or :data:`~loadgen.host.addresses.UNIX` and the path of a Unix socket.
        port: TCP port; 0 of a Unix socket.
        scheme: ``http``, ``https``, or ``""`` of an address that is no URL.
        path: path and query as written, without a fragment, which stays with the client (RFC 9110, 7.1).
        user_info: ``user:password`` of the URL, decoded; ``None`` without one.
    """

    host: str
    port: int
    scheme: str = ""
    path: str = ""
    user_info: str | None = None

    @property
    def authority(self) -> str:
        """Return the value of Host: the host and, unless it is the scheme's own, the port (RFC 9110, 7.2)."""
        if self.host.startswith(UNIX):
            return "localhost"
        name = self.host.partition("%")[0]
        shown = f"[{name}]" if ":" in name else name.encode("idna").decode()
        return shown if self.port == _PORTS.get(self.scheme or "http") else f"{shown}:{self.port}"

    @property
    def authorization(self) -> str | None:
        """Return the value of Authorization: basic, for ``user_info`` (RFC 7617)."""
        if self.user_info is None:
            return None
        given = self.user_info if ":" in self.user_info else f"{self.user_info}:"
        return "Basic " + base64.b64encode(given.encode()).decode()


def host_and_port(text: str) -> tuple[str, int]:
    """Parse ``HOST:PORT`` or ``[IPV6]:PORT``.

    Raises:
        argparse.ArgumentTypeError: ``text`` is neither.
    """
    match = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})", text)
    if not match or not 0 < int(match["port"]) < 65536:
        raise argparse.ArgumentTypeError(f"invalid address {text!r}: use HOST:PORT, such as 127.0.0.1:8001")
    return _checked(match["v6"] or match["host"]), int(match["port"])


def read_url(text: str) -> Url:
    """Parse ``HOST:PORT``, ``unix:/PATH`` or ``http[s]://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY]``.

    Raises:
        argparse.ArgumentTypeError: ``text`` is none of them.
    """
    if _CONTROL.search(text):
        raise argparse.ArgumentTypeError(f"invalid address {text!r}: leave control characters out")
    if text.startswith(UNIX):
        if text == UNIX:
            raise argparse.ArgumentTypeError(f"invalid address {text!r}: use unix:/PATH")
        return Url(text, 0)
    scheme, separator, _ = text.partition("://")
    if not separator:
        return Url(*host_and_port(text))
    if scheme.lower() not in _PORTS:
        raise argparse.ArgumentTypeError(f"invalid address {text!r}: use HOST:PORT, unix:/PATH, http:// or https://")
    try:
        parts = urllib.parse.urlsplit(text)
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"invalid address {text!r}: {exc}") from exc
    if not parts.hostname or not port:
        raise argparse.ArgumentTypeError(f"invalid address {text!r}: use http://HOST:PORT/PATH")
    user_info, at, _ = parts.netloc.rpartition("@")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    user = urllib.parse.unquote(user_info) if at else None
    return Url(_checked(parts.hostname), port, parts.scheme, path, user)


def request_target(text: str) -> str:
    """Return a path and query as they are sent: without a fragment, and percent-encoded where needed.

    Raises:
        argparse.ArgumentTypeError: it does not begin with ``/`` or ``?``.
    """
    path = text.partition("#")[0]
    if path.startswith("?"):
        path = f"/{path}"
    if not path.startswith("/") and path != "*":
        raise argparse.ArgumentTypeError(f"invalid path {text!r}: begin it with /")
    return urllib.parse.quote(path, safe=_SAFE)


def _checked(host: str) -> str:
    try:
        host.encode("idna")
    except UnicodeError as exc:
        raise argparse.ArgumentTypeError(f"invalid host {host!r}: {exc}") from exc
    return host
