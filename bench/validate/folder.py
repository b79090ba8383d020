"""A run of the suite on disk: ``run.json`` and ``observations.jsonl``, written so that nothing observed is lost."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.errors import GilbenchError

SCHEMA: Final = 1
OBSERVATIONS: Final = "observations.jsonl"


class Folder:
    """A folder ``validate/<UTC time>`` below the results.

    Attributes:
        path: of it.
        meta: what ``run.json`` holds; :meth:`save` writes it.

    Raises:
        GilbenchError: it cannot be made or written to.
    """

    def __init__(self, results: Path, meta: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        self.path = results.resolve() / "validate" / f"{now:%Y%m%dT%H%M%SZ}"
        self.meta = {"schema": SCHEMA, "created": now.isoformat(timespec="seconds"), "state": "running", **meta}
        try:
            self.path.mkdir(parents=True)
            self._file = (self.path / OBSERVATIONS).open("a", encoding="utf-8")
        except OSError as exc:
            raise self._cannot(exc) from exc
        self.save()

    def append(self, observation: dict[str, Any]) -> None:
        """Write an observation so that a crash of the machine would not lose it.

        Raises:
            GilbenchError: the disk is full, or the like.
        """
        try:
            self._file.write(json.dumps(observation, allow_nan=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as exc:
            raise self._cannot(exc) from exc

    def save(self) -> None:
        """Write ``run.json`` anew.

        Raises:
            GilbenchError: the disk is full, or the like.
        """
        try:
            new = self.path / "run.json.new"
            new.write_text(json.dumps(self.meta, indent=1) + "\n", encoding="utf-8")
            new.replace(self.path / "run.json")
        except OSError as exc:
            raise self._cannot(exc) from exc

    def close(self) -> None:
        """Close the observations."""
        self._file.close()

    def _cannot(self, exc: OSError) -> GilbenchError:
        return GilbenchError(
            f"cannot write to {exc.filename or self.path}: {exc.strerror}; make room, or give another --results"
        )
