"""Requests that differ, so that a cache in the server is not all that is measured: templates, and files of requests."""

from __future__ import annotations

import argparse
import functools
import json
import random
import re
from pathlib import Path
from typing import Final

from loadgen.errors import InvalidInput

DIFFERENT: Final = 10_000
"""Number of requests that a template with a place in it stands for; after them it starts over."""

MOST_LINES: Final = 100_000
_PLACE: Final = re.compile(r"\{(?:n|random:(\d{1,18})-(\d{1,18}))\}")


def template(text: str) -> str:
    """Return a template as it is, after its places were checked.

    Raises:
        argparse.ArgumentTypeError: a range in it is empty.
    """
    for place in _PLACE.finditer(text):
        if place[1] is not None and int(place[1]) > int(place[2]):
            raise argparse.ArgumentTypeError(f"invalid range {place[0]}: use the lower number first, {{random:1-1000}}")
    return text


@functools.lru_cache(maxsize=8)
def expand(text: str, seed: int) -> tuple[str, ...]:
    """Return the requests that a template stands for: itself, or :data:`DIFFERENT` requests if it has a place.

    Args:
        text: ``{n}`` in it counts from 1, ``{random:1-1000}`` is a random whole number, bounds included.
        seed: of the random numbers; the same seed gives the same requests.
    """
    if not _PLACE.search(text):
        return (text,)
    rng = random.Random(seed)  # noqa: S311 - no secret

    def fill(place: re.Match[str], number: int) -> str:
        return str(number if place[1] is None else rng.randint(int(place[1]), int(place[2])))

    return tuple(_PLACE.sub(functools.partial(fill, number=number), text) for number in range(1, DIFFERENT + 1))


def read_requests(path: str) -> tuple[str, ...]:
    """Return the requests in a file: each line is one, as it is or, in double quotes, as a JSON string.

    Raises:
        InvalidInput: the file cannot be read, has no request or too many, or a line is no JSON string.
    """
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise InvalidInput(f"cannot read {path}: {reason}; give a file with one request per line") from exc
    requests = tuple(_parse(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line)
    if not 1 <= len(requests) <= MOST_LINES:
        raise InvalidInput(f"{path} has {len(requests):,} requests: give 1 to {MOST_LINES:,}, one per line")
    return requests


def _parse(line: str, where: str) -> str:
    if not line.startswith('"'):
        return line
    try:
        return str(json.loads(line))
    except ValueError as exc:
        raise InvalidInput(f"{where} is not a JSON string ({exc}): end it with a double quote") from exc
