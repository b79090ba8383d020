"""Read a folder of microbenchmarks into frames."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from bench.schema.micro_meta import MICRO_RECORDS, MICRO_SCHEMA, MicroMeta
from bench.schema.reading import json_lines, refuse_newer
from bench.schema.run_meta import META
from loadgen.errors import InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class Micro:
    """Results of microbenchmarks.

    Attributes:
        folder: where they were read from.
        meta: the content of ``run.json``.
        timed: columns interpreter, round, group, name, seconds.
        facts: columns interpreter, round, group, name, figure, value.
        failed: interpreter and test of each failure.
    """

    folder: Path
    meta: MicroMeta
    timed: pd.DataFrame
    facts: pd.DataFrame
    failed: tuple[tuple[str, str], ...]

    @property
    def interpreters(self) -> list[str]:
        """The interpreters, in the order in which they were named."""
        return list(self.meta.interpreters)

    def free(self, interpreter: str) -> bool:
        """Return whether an interpreter ran without a GIL."""
        return not self.meta.interpreters[interpreter].gil_enabled


def load_micro(folder: Path) -> Micro:
    """Read a folder of microbenchmarks.

    Raises:
        InvalidInput: it has no microbenchmarks, or they cannot be parsed.
    """
    try:
        raw = msgspec.convert(json.loads((folder / META).read_bytes()), dict[str, Any])
        refuse_newer(folder, raw.get("schema", MICRO_SCHEMA), MICRO_SCHEMA)
        meta = msgspec.convert(raw, MicroMeta)
        records = json_lines(folder / MICRO_RECORDS, "a record")
    except OSError as exc:
        raise InvalidInput(f"{folder} holds no microbenchmarks: create a folder of them with gilbench micro") from exc
    except (ValueError, TypeError) as exc:
        raise InvalidInput(f"{folder / META} cannot be read ({exc}): measure again with gilbench micro") from exc
    timed = [one for one in records if one["kind"] == "timed"]
    facts = [
        {**{key: one[key] for key in ("interpreter", "round", "group", "name")}, "figure": figure, "value": value}
        for one in records
        if one["kind"] == "fact"
        for figure, value in one["figures"].items()
    ]
    failed = dict.fromkeys((one["interpreter"], one["name"]) for one in records if one["kind"] == "failed")
    if not records:
        raise InvalidInput(f"{folder / MICRO_RECORDS} holds no complete record: measure again with gilbench micro")
    return Micro(
        folder,
        meta,
        pd.DataFrame(timed, columns=["interpreter", "round", "group", "name", "seconds"]),
        pd.DataFrame(facts, columns=["interpreter", "round", "group", "name", "figure", "value"]),
        tuple(failed),
    )


def typical(seconds: Iterable[float]) -> float:
    """Return the geometric mean of the rounds' times, of which the ratios shown next to it are ratios; NaN of none."""
    every = list(seconds)
    return statistics.geometric_mean(every) if every else math.nan
