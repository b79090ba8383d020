"""A run's folder: ``run.json`` and ``records.jsonl``, written so that nothing measured is ever lost."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.errors import GilbenchError
from bench.schema.record import RECORDS, Record
from bench.schema.run_meta import META, Failure, RunMeta, State


class RunFolder:
    """A folder ``runs/<UTC time>-<name>`` below ``results``, with ``latest`` next to ``runs`` pointing to it.

    Attributes:
        path: path of the folder.
        meta: the content of ``run.json``; :meth:`update` changes and writes it.
    """

    def __init__(self, results: Path, name: str, meta: RunMeta) -> None:
        """Create the folder.

        Raises:
            GilbenchError: it cannot be created or written to.
        """
        self.path = results.resolve() / "runs" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{name}"
        self.meta = replace(meta, name=self.path.name)
        with _explain(self.path):
            self.path.mkdir(parents=True)
            self._records = (self.path / RECORDS).open("ab", buffering=0)
            self._save()
            _point(results.resolve() / "latest", self.path)

    @classmethod
    def reopen(cls, path: Path, meta: RunMeta) -> RunFolder:
        """Open the folder of a run that was interrupted.

        Raises:
            GilbenchError: it cannot be written to.
        """
        folder = cls.__new__(cls)
        folder.path, folder.meta = path, replace(meta, state=State.RUNNING)
        with _explain(path):
            folder._records = (path / RECORDS).open("ab", buffering=0)
            folder._save()
            _point(path.parent.parent / "latest", path)
        return folder

    def append(self, records: Sequence[Record]) -> None:
        """Write records so that a crash of the machine does not lose them.

        Raises:
            GilbenchError: the file cannot be written.
        """
        lines = b"".join(record.to_json().encode() + b"\n" for record in records)
        with _explain(self.path):
            if self._records.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._records.fileno())

    def fail(self, cell: str, pass_: int, reason: str) -> None:
        """Note that a cell could not be measured, and why.

        Raises:
            GilbenchError: the file cannot be written.
        """
        self.update(replace(self.meta, failures=(*self.meta.failures, Failure(cell, pass_, reason))))

    def update(self, meta: RunMeta) -> None:
        """Rewrite ``run.json``; a reader sees the old one or the new one, never half of it.

        Raises:
            GilbenchError: the file cannot be written.
        """
        self.meta = meta
        with _explain(self.path):
            self._save()

    def _save(self) -> None:
        new = self.path / f"{META}.new"
        new.write_text(json.dumps(self.meta.to_dict(), indent=1) + "\n", encoding="utf-8")
        new.replace(self.path / META)

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
