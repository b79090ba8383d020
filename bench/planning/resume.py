"""Going on with a run that was interrupted, so that its statistics are those of one that was not.

Its plan stands in ``run.json``, its seed gives the order. A visit to a group that was cut in the middle is made again:
its windows go to ``interrupted.jsonl``, so that none is lost and none counts twice.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.errors import GilbenchError
from bench.planning.plan import Plan
from bench.schema.cell import Cell, Group
from bench.schema.record import SCHEMA, Record

SET_ASIDE: Final = "interrupted.jsonl"


@dataclass(frozen=True)
class Interrupted:
    """A run that did not come to its end.

    Attributes:
        path: of its folder.
        meta: its ``run.json``.
    """

    path: Path
    meta: dict[str, Any]

    @property
    def elapsed_s(self) -> float:
        """Time that it has used of its budget."""
        return float(self.meta.get("elapsed_s") or 0.0)

    @functools.cached_property
    def plan(self) -> Plan:
        """The plan that it was made by.

        Raises:
            LookupError, TypeError: there is none.
        """
        return Plan.from_dict(self.meta["plan"])

    def check(self) -> None:
        """Make sure that its plan and interpreters can be read.

        Raises:
            LookupError, TypeError: they cannot.
        """
        for cell in self.plan.cells:
            self.specification(cell.interpreter)

    def specification(self, interpreter: str) -> str:
        """Return an interpreter as ``--pythons`` names it, so that it is found and checked as then."""
        build = self.meta["interpreters"][interpreter]
        return f"{interpreter}={build['executable']}{build.get('variants', '')}"

    def load_resumable(self) -> list[Record]:
        """Return its records, after those of visits that were cut were set aside.

        Raises:
            GilbenchError: the records cannot be read or written.
        """
        try:
            lines = (self.path / "records.jsonl").read_bytes().split(b"\n")[:-1]  # the last was cut, or is empty
            records = [Record.from_json(line.decode(errors="replace")) for line in lines if line.strip()]
            whole = self._whole(records)
            cut = [one for one in records if (one.pass_, one.cell.group) not in whole]
            kept = [one for one in records if (one.pass_, one.cell.group) in whole]
            if cut:
                with (self.path / SET_ASIDE).open("ab") as file:
                    file.write(b"".join(one.to_json().encode() + b"\n" for one in cut))
            new = self.path / "records.jsonl.new"
            with new.open("wb") as file:
                file.write(b"".join(one.to_json().encode() + b"\n" for one in kept))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path / "records.jsonl")
        except OSError as exc:
            raise GilbenchError(f"cannot go on with {self.path}: {exc.strerror}; make room") from exc
        return kept

    def _whole(self, records: list[Record]) -> set[tuple[int, Group]]:
        """Return the visits in which every cell has all its windows, or is known to have failed."""
        plan, cells = self.plan, set(self.plan.cells)
        failed = {(one["cell"], one["pass"]) for one in self.meta.get("failures") or []}
        windows = Counter((one.pass_, one.cell) for one in records)
        return {
            (pass_, cell.group)
            for pass_, cell in windows
            if all(
                windows[pass_, other] == plan.rounds or (other.name, pass_) in failed
                for interpreter in dict.fromkeys(cell.interpreter for cell in plan.cells)
                if (other := Cell(*cell.group, interpreter)) in cells
            )
        }


def load_interrupted(folder: Path) -> Interrupted:
    """Return the run in a folder.

    Raises:
        GilbenchError: there is no run, it is complete, or it is of another version.
    """
    try:
        meta = json.loads((folder / "run.json").read_bytes())
        found = Interrupted(folder.resolve(), meta)
        schema, state = meta["schema"], meta["state"]
        with contextlib.suppress(KeyError):
            found.check()
            if state == "complete":
                raise GilbenchError(f"{folder} is complete: there is nothing to go on with; start another run")
            if schema <= SCHEMA:
                return found
    except (OSError, ValueError, TypeError, LookupError) as exc:
        raise GilbenchError(f"{folder} holds no run that could be gone on with ({exc}): name its folder") from None
    raise GilbenchError(f"{folder} was made by another version of gilbench: start the run again")
