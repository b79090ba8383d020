"""Result files of load generators: one row for each format, tried in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from loadgen.audit.claim import Claim
from loadgen.audit.formats.ab import is_ab, read_ab
from loadgen.audit.formats.documents import is_document, read_document
from loadgen.audit.formats.h2load import is_h2load, read_h2load
from loadgen.audit.formats.hey import is_hey, read_hey
from loadgen.audit.formats.locust import is_locust, read_locust
from loadgen.audit.formats.wrk import is_wrk, read_wrk
from loadgen.errors import InvalidInput


class Format(NamedTuple):
    """A format: how its files are recognised and read."""

    name: str
    fits: Callable[[str], bool]
    read: Callable[[str], Claim]


FORMATS: Final = (
    Format("JSON of gilbench load, oha, k6, vegeta", is_document, read_document),
    Format("wrk, wrk2", is_wrk, read_wrk),
    Format("ab", is_ab, read_ab),
    Format("hey", is_hey, read_hey),
    Format("h2load", is_h2load, read_h2load),
    Format("Locust's _stats.csv", is_locust, read_locust),
)


def read_claim(text: str, where: str) -> Claim:
    """Read a result file.

    Raises:
        InvalidInput: its format is unknown, or it is damaged; ``where`` names it in the message.
    """
    form = next((one for one in FORMATS if one.fits(text)), None)
    if form is None:
        known = "; ".join(one.name for one in FORMATS)
        raise InvalidInput(f"{where} is not a result that is known: give one of {known}")
    try:
        return form.read(text)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, ZeroDivisionError, OverflowError) as exc:
        raise InvalidInput(
            f"{where} looks like {form.name}, but cannot be read ({exc}): give the whole output"
        ) from exc
