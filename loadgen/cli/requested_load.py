"""The load that the arguments of the command line describe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from loadgen import url
from loadgen.capacity import FIRST_RPS
from loadgen.errors import GilbenchError
from loadgen.files import room_for_files
from loadgen.limits import AUTO_CONNECTIONS, COUNT_WITHIN_S
from loadgen.load import Load, Tls
from loadgen.protocols import PROTOCOLS, Protocol, http_protocol, raw_protocol
from loadgen.protocols.http_request import check_request, request
from loadgen.varied import expand, read_requests

_LINE_ENDS: Final = {"line": b"\n"}

_PROTOCOL_OPTIONS: Final = {
    "http": ("method", "header", "body"),
    "raw": ("expect", "reply_length", "reply_delimiter", "quit_with"),
}
_TLS_OPTIONS: Final = ("ca", "insecure", "resume_sessions")


def load(chosen: argparse.Namespace) -> Load:
    """Return the load that the arguments describe.

    Raises:
        GilbenchError: arguments contradict each other, or a file cannot be read.
    """
    where: url.Url = chosen.address
    if chosen.stages and chosen.duration is not None:
        raise GilbenchError("--stages sets the duration: leave --duration out")
    if chosen.find_capacity and (chosen.stages or chosen.count):
        raise GilbenchError("--find-capacity sets rates and durations: leave --stages and --count out")
    if chosen.stages and chosen.count:
        raise GilbenchError("--stages sets the number of requests: leave --count out")
    is_open = bool(chosen.rate or chosen.stages or chosen.find_capacity)
    if not is_open and chosen.arrivals:
        raise GilbenchError("--arrivals needs the open loop: give --rate or --stages, or leave --arrivals out")
    grows = is_open and chosen.connections is None
    return Load(
        host=where.host,
        port=where.port,
        protocol=_protocol(chosen),
        connections=chosen.connections or (_as_needed(chosen.threads) if grows else 1),
        initial_connections=chosen.threads if grows else None,
        duration_s=(COUNT_WITHIN_S if chosen.count else 5.0) if chosen.duration is None else chosen.duration,
        warmup_s=(0.0 if chosen.count else 1.0) if chosen.warmup is None else chosen.warmup,
        requests_per_connection=chosen.requests_per_connection,
        timeout_s=chosen.timeout,
        connect_timeout_s=chosen.connect_timeout,
        rate_rps=chosen.rate or (FIRST_RPS if chosen.find_capacity else None),
        stages=chosen.stages or (),
        arrivals=chosen.arrivals or "constant",
        seed=chosen.seed,
        order=chosen.order,
        threads=chosen.threads,
        connect_rate=chosen.connect_rate,
        late_s=chosen.late,
        spin_s=chosen.spin,
        count=chosen.count,
        drain_s=chosen.drain,
        think_s=chosen.think,
        bind=chosen.bind,
        every_address=chosen.resolve == "all",
        tls=_tls(chosen),
    )


def _as_needed(threads: int) -> int:
    """Return how many connections to open at most: as many as the limit on open files allows."""
    return max(threads, min(AUTO_CONNECTIONS, room_for_files()))


def _tls(chosen: argparse.Namespace) -> Tls | None:
    if chosen.address.scheme == "https":
        if chosen.ca:
            _read(chosen.ca)
        return Tls(verify=not chosen.insecure, ca=chosen.ca, resume=chosen.resume_sessions)
    for option in _TLS_OPTIONS:
        if getattr(chosen, option):
            raise GilbenchError(f"--{option.replace('_', '-')} needs an https:// address")
    return None


def _protocol(chosen: argparse.Namespace) -> str | Protocol:
    where: url.Url = chosen.address
    name: str = chosen.protocol or ("http" if where.scheme else "line")
    for other, own in _PROTOCOL_OPTIONS.items():
        for option in own:
            if getattr(chosen, option) and other != name:
                raise GilbenchError(f"--{option.replace('_', '-')} needs --protocol {other}, not {name}")
    if where.scheme and name != "http":
        raise GilbenchError(f"a URL needs --protocol http: give HOST:PORT for {name}")
    given = [option for option in ("payload", "request", "requests") if getattr(chosen, option)]
    if len(given) > 1:
        raise GilbenchError(f"--{given[0]} and --{given[1]} both give the requests: leave one out")
    payload = tuple(_payload(chosen))
    if name == "http":
        return http_protocol(_http_payload(chosen, payload) if payload else _http_requests(chosen))
    end = _LINE_ENDS.get(name, b"")
    # The separator may be the line end itself.
    payload = tuple(one if one.endswith(end) else one + end for one in payload)
    payload = payload or tuple(text.encode() + end for text in _texts(chosen))
    if name == "raw":
        if not payload:
            raise GilbenchError("--protocol raw needs requests: give --payload FILE, --request or --requests")
        return raw_protocol(
            payload,
            expect=_read(chosen.expect) if chosen.expect else b"",
            length=chosen.reply_length or 0,
            delimiter=chosen.reply_delimiter or b"",
            quit_with=chosen.quit_with or b"",
        )
    return PROTOCOLS[name]._replace(requests=payload) if payload else name


def _http_requests(chosen: argparse.Namespace) -> list[bytes]:
    where: url.Url = chosen.address
    headers = list(chosen.header or ())
    if where.authorization:
        if any(name.lower() == "authorization" for name, _ in headers):
            raise GilbenchError("the URL and --header both give the authorization: leave one out")
        headers.append(("Authorization", where.authorization))
    body = _read(chosen.body) if chosen.body else b""
    try:
        paths = [url.request_target(text) for text in _texts(chosen, where.path or "/")]
    except argparse.ArgumentTypeError as exc:
        raise GilbenchError(str(exc)) from exc
    return [request(where.authority, path, method=chosen.method or "GET", headers=headers, body=body) for path in paths]


def _http_payload(chosen: argparse.Namespace, payload: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return whole requests, which need nothing added."""
    for option in _PROTOCOL_OPTIONS["http"]:
        if getattr(chosen, option):
            raise GilbenchError(f"--payload holds whole HTTP requests: leave --{option} out, or use --body")
    if chosen.address.path not in {"", "/"} or chosen.address.authorization:
        raise GilbenchError("--payload holds whole HTTP requests: give the address without a path and user")
    for number, one in enumerate(payload, 1):
        check_request(one, f"request {number} of --payload")
    return payload


def _texts(chosen: argparse.Namespace, path: str = "") -> tuple[str, ...]:
    """Return the requests that are given as text; of a URL its path, which may be a template."""
    given = [option for option in ("request", "requests") if getattr(chosen, option)]
    if given and chosen.address.path not in {"", "/"}:
        raise GilbenchError(f"the URL and --{given[0]} both give the path: leave one out")
    if chosen.requests:
        return read_requests(chosen.requests)
    text = chosen.request or path
    return expand(text, chosen.seed) if text else ()


def _payload(chosen: argparse.Namespace) -> list[bytes]:
    """Return the requests of the payload files, split at the separator if there is one."""
    if chosen.separator and not chosen.payload:
        raise GilbenchError("--separator needs --payload")
    requests: list[bytes] = []
    for name in chosen.payload or ():
        content = _read(name)
        parts = content.split(chosen.separator) if chosen.separator else [content]
        requests += [part for part in parts if part]
    if chosen.payload and not requests:
        raise GilbenchError(f"{', '.join(chosen.payload)} contains no request: add one, or leave --payload out")
    return requests


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as exc:
        raise GilbenchError(f"cannot read {name}: {exc.strerror}; give a file that can be read") from exc
