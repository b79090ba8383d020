"""Resuming an interrupted run, so that its statistics are those of an uninterrupted one.

Its plan is in ``run.json``, and its seed gives the order. An interrupted visit to a group is repeated, and its windows
go to ``interrupted.jsonl``, so that none is lost and none counts twice.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import GilbenchError, InvalidInput
from bench.schema.cell import Cell, Group
from bench.schema.plan import Plan
from bench.schema.record import RECORDS, Record
from bench.schema.run_meta import META, Machine, RunMeta, State, read_meta

SET_ASIDE: Final = "interrupted.jsonl"


@dataclass(frozen=True)
class Interrupted:
    """An earlier run, with a plan and interpreters that can be used again.

    Attributes:
        path: its folder.
        meta: its ``run.json``.
        plan: its plan.
    """

    path: Path
    meta: RunMeta
    plan: Plan

    @property
    def elapsed_s(self) -> float:
        """Time of its budget that it has used."""
        return self.meta.elapsed_s or 0.0

    def specification(self, interpreter: str) -> str:
        """Return an interpreter in the form of ``--pythons``, so that it is found and checked as before."""
        build = self.meta.interpreters[interpreter]
        return f"{interpreter}={build.program or build.executable}{build.variants}"

    def require_machine(self, here: Machine) -> None:
        """Make sure that the rest is measured where the beginning was.

        Raises:
            InvalidInput: this is another machine; the message says in what it differs.
        """
        differing = here.differences(self.meta.machine)
        if differing:
            raise InvalidInput(
                f"--resume: {self.path.name} was begun on another machine ({'; '.join(differing)}): resume it there, "
                "or start another run here"
            )

    def load_resumable(self) -> list[Record]:
        """Return its records, after setting aside those of interrupted visits.

        Raises:
            GilbenchError: the records cannot be read or written.
        """
        try:
            lines = (self.path / RECORDS).read_bytes().split(b"\n")[:-1]  # the last is truncated or empty
            records = [Record.from_json(line.decode(errors="replace")) for line in lines if line.strip()]
            whole = self._whole(records)
            cut = [one for one in records if (one.pass_, one.cell.group) not in whole]
            kept = [one for one in records if (one.pass_, one.cell.group) in whole]
            if cut:
                with (self.path / SET_ASIDE).open("ab") as file:
                    file.write(b"".join(one.to_json().encode() + b"\n" for one in cut))
            new = self.path / f"{RECORDS}.new"
            with new.open("wb") as file:
                file.write(b"".join(one.to_json().encode() + b"\n" for one in kept))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path / RECORDS)
        except OSError as exc:
            raise GilbenchError(f"cannot resume {self.path}: {exc.strerror}; make room") from exc
        return kept

    def _whole(self, records: list[Record]) -> set[tuple[int, Group]]:
        """Return the visits in which every cell has all its windows, or is known to have failed."""
        plan, cells = self.plan, set(self.plan.cells)
        failed = {(one.cell, one.pass_) for one in self.meta.failures}
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


def load_run(folder: Path) -> Interrupted:
    """Return the run in a folder, complete or not.

    Raises:
        InvalidInput: there is no run, its plan is unknown, or it is of another version.
    """
    meta = read_meta(folder)
    if meta.plan is None or not {cell.interpreter for cell in meta.plan.cells} <= set(meta.interpreters):
        raise InvalidInput(f"{folder / META} lacks the plan or its interpreters: restore the file, or measure again")
    return Interrupted(folder.resolve(), meta, meta.plan)


def load_interrupted(folder: Path) -> Interrupted:
    """Return the run in a folder, to resume it.

    Raises:
        InvalidInput: there is no run that can be resumed.
    """
    run = load_run(folder)
    if run.meta.state is State.COMPLETE:
        raise InvalidInput(f"{folder} is complete, so there is nothing to resume: start a new run")
    return run
