"""``run.json`` of a folder of microbenchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.schema.build import Build
from bench.schema.run_meta import Machine

MICRO_RECORDS: Final = "micro.jsonl"
MICRO_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroMeta:
    """The content of ``run.json``.

    Attributes:
        schema: version of the layout of this file and of the records.
        created: when the first round began, UTC.
        machine: the machine.
        interpreters: the build of each interpreter, by its name.
        rounds: number of visits to each interpreter.
        only: the tests that were selected, as by pytest's ``-k``; empty: all.
    """

    schema: int = MICRO_SCHEMA
    created: str = ""
    machine: Machine
    interpreters: dict[str, Build]
    rounds: int
    only: str = ""
