"""A run's folder: ``run.json`` and ``records.jsonl``, written so that nothing measured is ever lost."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.errors import GilbenchError
from bench.schema.record import SCHEMA, Record


class RunFolder:
    """A folder ``runs/<UTC time>-<name>`` below ``results``, with ``latest`` next to ``runs`` pointing to it.

    Attributes:
        path: of the folder.
        meta: what ``run.json`` holds; :meth:`save` writes it.
    """

    def __init__(self, results: Path, name: str, meta: dict[str, Any]) -> None:
        """Make the folder.

        Raises:
            GilbenchError: it cannot be made or written to.
        """
        now = datetime.now(UTC)
        self.path = results.resolve() / "runs" / f"{now:%Y%m%dT%H%M%SZ}-{name}"
        self.meta = {
            "schema": SCHEMA,
            "name": self.path.name,
            "created": now.isoformat(timespec="seconds"),
            "state": "running",
            **meta,
            "failures": [],
        }
        with _explain(self.path):
            self.path.mkdir(parents=True)
            self._records = (self.path / "records.jsonl").open("ab", buffering=0)
            self.save()
            _point(results.resolve() / "latest", self.path)

    @classmethod
    def again(cls, path: Path, meta: dict[str, Any]) -> RunFolder:
        """Open the folder of a run that was interrupted.

        Raises:
            GilbenchError: it cannot be written to.
        """
        folder = cls.__new__(cls)
        folder.path, folder.meta = path, meta | {"state": "running"}
        with _explain(path):
            folder._records = (path / "records.jsonl").open("ab", buffering=0)
            folder.save()
            _point(path.parent.parent / "latest", path)
        return folder

    def append(self, records: Sequence[Record]) -> None:
        """Write the records of a launch so that a crash of the machine would not lose them.

        Raises:
            GilbenchError: the disk is full, or the like.
        """
        lines = b"".join(record.to_json().encode() + b"\n" for record in records)
        with _explain(self.path):
            if self._records.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._records.fileno())

    def fail(self, cell: str, pass_: int, reason: str) -> None:
        """Note that a cell could not be measured, and why."""
        self.meta["failures"].append({"cell": cell, "pass": pass_, "reason": reason})
        self.save()

    def save(self) -> None:
        """Write ``run.json`` anew; a reader sees the old one or the new one, never half of it.

        Raises:
            GilbenchError: the disk is full, or the like.
        """
        with _explain(self.path):
            new = self.path / "run.json.new"
            new.write_text(json.dumps(self.meta, indent=1) + "\n", encoding="utf-8")
            new.replace(self.path / "run.json")

    def close(self) -> None:
        """Close the records."""
        with _explain(self.path):
            self._records.close()


def _point(link: Path, to: Path) -> None:
    new = link.with_name(f"{link.name}.{os.getpid()}")
    new.symlink_to(os.path.relpath(to, link.parent), target_is_directory=True)
    new.replace(link)


@contextlib.contextmanager
def _explain(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise GilbenchError(
            f"cannot write to {path}: {exc.strerror}; make room, or choose another folder with --results"
        ) from exc
