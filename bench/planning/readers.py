"""Readers of option values: each converts a text to a value, or raises a one-line error with the remedy."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.schema.cell import MIXED
from loadgen.duration import duration_s
from loadgen.limits import MAX_CONNECTIONS
from loadgen.nearest import unknown
from loadgen.varied import read_requests, template
from loadgen.whole_number import whole_number
from servers.workloads import WORKLOADS

OBJECTIVES = ("throughput", "cpu", "memory")
SHORTEST_S, LONGEST_S = 0.02, 600.0


def workload(handlers: dict[str, str]) -> Callable[[str], str]:
    """Return a reader of workloads that adds user handlers to ``handlers``."""

    def read_one(text: str) -> str:
        place, colon, function = text.rpartition(":")
        if text.startswith(f"{MIXED}+"):
            clients = whole_number(MAX_CONNECTIONS, least=0)(text.removeprefix(f"{MIXED}+"))
            return f"{MIXED}+{clients}"
        if not colon:
            return choice(WORKLOADS)(text)
        name = function.removesuffix("()").rpartition(".")[2]
        if not name.isidentifier():
            raise argparse.ArgumentTypeError(f"{text!r} names no function: write module:function or path.py:function")
        if place.endswith(".py"):
            path = Path(place).expanduser().resolve()
            if not path.is_file():
                raise argparse.ArgumentTypeError(f"there is no file {path}")
            place = str(path)
        whole = f"{place}:{function}"
        if name in WORKLOADS or handlers.setdefault(name, whole) != whole:
            raise argparse.ArgumentTypeError(f"{name} is the name of another workload: rename the function")
        return name

    return read_one


def application(handlers: dict[str, str]) -> Callable[[str], str]:
    """Return a reader of an application that adds it to ``handlers``, by the name of its outermost package."""

    def read_one(text: str) -> str:
        module, _, name = text.partition(":")
        parts = module.split(".")
        if not all(part.isidentifier() for part in (*parts, *name.split("."))):
            raise argparse.ArgumentTypeError(
                f"{text!r} names no application: write module:object, such as shop.main:app"
            )
        if parts[0] in WORKLOADS:
            raise argparse.ArgumentTypeError(f"{parts[0]} is the name of another workload: rename the module")
        handlers[parts[0]] = text
        return parts[0]

    return read_one


def path(text: str) -> str:
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError(f"invalid path {text!r}: write for example /item/7?q=x, without spaces")
    return text


def line(text: str) -> str:
    if not text or "\n" in text or text in {"Q", "q"}:
        raise argparse.ArgumentTypeError(
            f"invalid request {text!r}: use one line, not empty and not Q, which ends a conversation"
        )
    return template(text)


def lines(path: str) -> tuple[str, ...]:
    return tuple(map(line, read_requests(path)))


def objective(text: str) -> str:
    what, _, bound = text.partition("<")
    if what == "p99" and bound:
        duration_s(bound)
    elif text not in OBJECTIVES:
        raise argparse.ArgumentTypeError(f"{unknown(text, OBJECTIVES)}, or p99<20ms")
    return text


def choice(known: Iterable[str]) -> Callable[[str], str]:
    names = list(known)

    def read_one(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(unknown(text, names))
        return text

    return read_one


def share(text: str) -> float:
    with contextlib.suppress(ValueError):
        share = float(text.removesuffix("%")) / 100
        if text.endswith("%") and 0 <= share < 1:
            return share
    raise argparse.ArgumentTypeError(f"invalid share {text!r}: use 2%")


def window(text: str) -> float:
    if not SHORTEST_S <= duration_s(text) <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"invalid window {text!r}: use {SHORTEST_S * 1e3:g}ms to {LONGEST_S:g}s")
    return duration_s(text)


def folder_name(text: str) -> str:
    if not text or not text.replace("-", "").replace("_", "").isalnum():
        raise argparse.ArgumentTypeError(f"invalid name {text!r}: use letters, digits, - and _")
    return text
