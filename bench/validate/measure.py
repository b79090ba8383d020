"""Running the whole suite, with its observations written to a folder."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from bench.errors import InvalidInput
from bench.interpreters.discovery import discover, extremes
from bench.paths import command_line
from bench.runner import machine
from bench.schema.run_meta import State
from bench.schema.validation_meta import DisturbedAbove, ValidationMeta
from bench.validate.folder import Folder
from bench.validate.host import STEAL_ABOVE
from bench.validate.studies import all_studies
from bench.validate.study import Gap, Study
from bench.validate.suite import Suite
from loadgen.validation.warning_codes import FOREIGN_CORES_ABOVE


@dataclass(frozen=True, slots=True)
class Options:
    """What is observed, for how long, and where the results go.

    Attributes:
        only: studies and rows with this in their name; empty: all.
        budget: time, in seconds.
        results: folder below which the folder of the validation is created.
    """

    only: str
    budget: float
    results: Path


def validate(options: Options, console: Console) -> tuple[Path, bool]:
    """Run the suite; return the folder, and whether it was interrupted.

    Raises:
        InvalidInput: no study has that name, there is no interpreter, or the folder cannot be written to.
    """
    found = discover()
    if not any(not interpreter.build.freethreaded for interpreter in found):
        raise InvalidInput("no CPython with a GIL found: install one with uv python install 3.14")
    all_of_them = list(all_studies(found))
    studies = [one for one in all_of_them if isinstance(one, Study) and _select(one, options.only)]
    if not studies:
        names = ", ".join(one.name for one in all_of_them if isinstance(one, Study))
        raise InvalidInput(f"--only {options.only} matches no study: choose from {names}")
    gaps = [one for one in all_of_them if isinstance(one, Gap)]
    interpreters = extremes(found)
    meta = ValidationMeta(
        command=_command(options),
        machine=machine.describe_machine(),
        control=machine.describe_control(),
        interpreters={name: interpreter.build for name, interpreter in interpreters.items()},
        budget_s=options.budget,
        disturbed_above=DisturbedAbove(foreign_cores=FOREIGN_CORES_ABOVE, steal_share=STEAL_ABOVE),
        rows={name: row for study in studies for name, row in study.table().items()},
        gaps={gap.name: gap.reason for gap in gaps if not options.only},
    )
    folder = Folder(options.results, meta)
    suite = Suite(studies, folder.append, console.print)
    console.print(
        f"{len(suite.rows)} rows of {len(studies)} studies under {', '.join(interpreters)}, up to {options.budget:g} s"
    )
    began_s, state = time.monotonic(), State.PARTIAL
    try:
        suite.run(options.budget)
        state = State.COMPLETE
    except KeyboardInterrupt:
        console.print("interrupted: the observations so far are kept")
    finally:
        folder.update(replace(folder.meta, state=state, elapsed_s=round(time.monotonic() - began_s, 1)))
        folder.close()
    return folder.path, state is State.PARTIAL


def _command(options: Options) -> str:
    return command_line(
        "validate", ["--budget", f"{options.budget:g}s", *(["--only", options.only] if options.only else [])]
    )


def _select(study: Study, only: str) -> bool:
    return only in study.name or any(only in row.name for row in study.rows)
