"""A run of the suite on disk: ``run.json`` and ``observations.jsonl``, written so that no observation is lost."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import GilbenchError
from bench.schema.run_meta import META
from bench.schema.validation_meta import OBSERVATIONS, ValidationMeta


class Folder:
    """A folder ``validate/<UTC time>`` below the folder of results.

    Attributes:
        path: path of the folder.
        meta: content of ``run.json``; :meth:`update` writes it.

    Raises:
        GilbenchError: it cannot be created or written to.
    """

    def __init__(self, results: Path, meta: ValidationMeta) -> None:
        now = datetime.now(UTC)
        self.path = results.resolve() / "validate" / f"{now:%Y%m%dT%H%M%SZ}"
        try:
            self.path.mkdir(parents=True)
            self._file = (self.path / OBSERVATIONS).open("a", encoding="utf-8")
        except OSError as exc:
            raise self._cannot(exc) from exc
        self.update(replace(meta, created=now.isoformat(timespec="seconds")))

    def append(self, observation: dict[str, Any]) -> None:
        """Write an observation so that a crash of the machine does not lose it.

        Raises:
            GilbenchError: the file cannot be written.
        """
        try:
            self._file.write(json.dumps(observation, allow_nan=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as exc:
            raise self._cannot(exc) from exc

    def update(self, meta: ValidationMeta) -> None:
        """Rewrite ``run.json``.

        Raises:
            GilbenchError: the file cannot be written.
        """
        self.meta = meta
        try:
            new = self.path / f"{META}.new"
            new.write_text(json.dumps(msgspec.to_builtins(meta), indent=1) + "\n", encoding="utf-8")
            new.replace(self.path / META)
        except OSError as exc:
            raise self._cannot(exc) from exc

    def close(self) -> None:
        """Close the observations."""
        self._file.close()

    def _cannot(self, exc: OSError) -> GilbenchError:
        return GilbenchError(
            f"cannot write to {exc.filename or self.path}: {exc.strerror}; make room, or give another --results"
        )
