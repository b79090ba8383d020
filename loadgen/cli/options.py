"""Parsers of option values: rates, stages, percentiles and others."""

from __future__ import annotations

import argparse
import re

from loadgen.duration import duration_s
from loadgen.limits import MAX_REQUESTS_PER_CONNECTION
from loadgen.nearest import did_you_mean
from loadgen.stages import Stage

_PICTURES = (".svg", ".png")

KEEP_ALIVE = "keep-alive"


def read_requests_per_connection(text: str) -> int | None:
    """Parse a number of requests per connection, or ``keep-alive`` (``None``).

    Raises:
        argparse.ArgumentTypeError: ``text`` is neither.
    """
    if text == KEEP_ALIVE:
        return None
    if not re.fullmatch(r"\d{1,10}", text) or not 0 < int(text) <= MAX_REQUESTS_PER_CONNECTION:
        raise argparse.ArgumentTypeError(
            f"invalid number of requests {text!r}{did_you_mean(text, [KEEP_ALIVE])}: use 1 to "
            f"{MAX_REQUESTS_PER_CONNECTION:,}, or {KEEP_ALIVE}"
        )
    return int(text)


def stages(text: str) -> tuple[Stage, ...]:
    """Parse ``1000:10s,5000:10s,ramp:0-8000:30s``.

    Raises:
        argparse.ArgumentTypeError: ``text`` is not in this form.
    """
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"(?:ramp:([\d.]+)-([\d.]+)|([\d.]+)):(\w[\w.]*)", part.strip())
        if not match:
            raise argparse.ArgumentTypeError(f"invalid stage {part!r}: use 1000:10s or ramp:0-8000:30s")
        try:
            low, high = (float(match[1]), float(match[2])) if match[1] else (float(match[3]),) * 2
        except ValueError:
            raise argparse.ArgumentTypeError(f"invalid rate in {part!r}: use 1000:10s or ramp:0-8000:30s") from None
        found.append(Stage(low, high, duration_s(match[4])))
    return tuple(found)


def rate(text: str) -> float:
    """Parse requests per second.

    Raises:
        argparse.ArgumentTypeError: ``text`` is not a number above 0.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(k?)(?:/s)?", text.strip())
    value = float(match[1]) * (1000 if match[2] else 1) if match else 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"invalid rate {text!r}: use a number above 0, such as 5000 or 5k")
    return value


def unescape(text: str) -> bytes:
    r"""Parse bytes written as in Python, such as ``\r\n`` or ``\x00``.

    Raises:
        argparse.ArgumentTypeError: the result is empty, or an escape is invalid.
    """
    try:
        value = text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")
    except UnicodeError as exc:
        raise argparse.ArgumentTypeError(
            f"invalid bytes {text!r} ({exc}): use escapes such as \\r\\n or \\x00"
        ) from None
    if not value:
        raise argparse.ArgumentTypeError("at least one byte is needed: use for example \\n")
    return value


def header(text: str) -> tuple[str, str]:
    """Parse ``Name: value``.

    Raises:
        argparse.ArgumentTypeError: ``text`` is not in this form.
    """
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise argparse.ArgumentTypeError(f"invalid header {text!r}: use 'Name: value'")
    return name, value.strip()


def picture(text: str) -> str:
    """Check the file name of a plot and return it.

    Raises:
        argparse.ArgumentTypeError: its suffix is not supported.
    """
    if not text.endswith(_PICTURES):
        raise argparse.ArgumentTypeError(
            f"invalid name of a plot {text!r}: use a name that ends in {' or '.join(_PICTURES)}"
        )
    return text


def percentiles(text: str) -> dict[str, float]:
    """Parse ``50,95,99.9`` and return each percentile under its name: p50, p95, p999.

    Raises:
        argparse.ArgumentTypeError: one of them is no number above 0 and below 100.
    """
    found = {}
    for part in text.split(","):
        number = part.strip().removeprefix("p")
        if not re.fullmatch(r"\d{1,2}(?:\.\d{1,6})?", number) or not float(number):
            raise argparse.ArgumentTypeError(
                f"invalid percentile {part!r}: use numbers above 0 and below 100: 50,95,99.9"
            )
        found[f"p{number.replace('.', '')}"] = float(number)
    return dict(sorted(found.items(), key=lambda one: one[1]))


def names(text: str) -> tuple[str, ...]:
    """Parse names separated by commas.

    Raises:
        argparse.ArgumentTypeError: one of them is empty.
    """
    found = tuple(part.strip() for part in text.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"invalid list {text!r}: separate names by commas")
    return found
