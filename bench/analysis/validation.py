"""Read a validation's observations into rows with verdicts."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.schema.reading import json_lines, refuse_newer
from bench.schema.run_meta import META
from bench.schema.validation_meta import OBSERVATIONS, VALIDATION_SCHEMA, RowMeta, ValidationMeta
from bench.stats.agreement import Estimate, Judged, Verdict, judge
from loadgen.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Result:
    """One row with its result.

    Attributes:
        name: name of the row.
        study: study that it belongs to.
        says: what is measured, and why the true value is known.
        known: source of the true value.
        unit: unit of all figures.
        bound: largest deviation that still agrees.
        truth: mean true value; ``None`` without any observation that counts.
        judged: the verdict and the interval of the deviation.
        disturbed: number of observations that do not count since other programs or the host took CPU time.
        foreign_cores: mean CPU use of other programs over all observations.
        failure: why the study failed; empty if it did not.
    """

    name: str
    study: str
    says: str
    known: str
    unit: str
    bound: float
    truth: float | None
    judged: Judged
    disturbed: int
    foreign_cores: float | None
    failure: str

    @property
    def verdict(self) -> Verdict:
        """The verdict; a failed study does not agree."""
        return Verdict.DISAGREES if self.failure and not self.judged.settled else self.judged.verdict

    @property
    def estimate(self) -> Estimate:
        """The mean deviation from the true value, with its 95% interval."""
        return self.judged.estimate


@dataclass(frozen=True, slots=True)
class Validation:
    """A run of the validation suite.

    Attributes:
        folder: where it was read from.
        meta: the content of ``run.json``.
        results: the rows, in the order of the suite.
    """

    folder: Path
    meta: ValidationMeta
    results: tuple[Result, ...]

    @property
    def counts(self) -> dict[Verdict, int]:
        """The number of rows with each verdict."""
        met = Counter(result.verdict for result in self.results)
        return {verdict: met[verdict] for verdict in Verdict}


def load_validation(folder: Path) -> Validation:
    """Read the folder of a validation.

    Raises:
        InvalidInput: it has no run of the suite, or one of a newer schema.
    """
    try:
        raw = msgspec.convert(json.loads((folder / META).read_bytes()), dict[str, Any])
        refuse_newer(folder, raw["schema"], VALIDATION_SCHEMA)
        meta = msgspec.convert(raw, ValidationMeta)
        observations = json_lines(folder / OBSERVATIONS, "an observation")
        rows = meta.rows
        return Validation(
            folder, meta, tuple(_result(name, row, observations, len(rows)) for name, row in rows.items())
        )
    except OSError as exc:
        raise InvalidInput(f"{folder} holds no validation: create one with gilbench validate") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidInput(f"{folder} cannot be read ({exc}): run gilbench validate again") from exc


def _result(name: str, row: RowMeta, observations: list[dict[str, Any]], rows: int) -> Result:
    here = [one for one in observations if one.get("row") == name]
    known = [one for one in here if "value" in one]
    counting = [one for one in known if not one["disturbed"]]
    failures = [one["failed"] for one in observations if one["study"] == row.study and "failed" in one]
    values, truths = [float(one["value"]) for one in counting], [float(one["truth"]) for one in counting]
    return Result(
        name=name,
        study=row.study,
        says=row.says,
        known=row.known,
        unit=row.unit,
        bound=row.bound,
        truth=statistics.fmean(truths) if truths else None,
        judged=judge(values, truths, row.bound, yes_or_no=row.yes_or_no, rows=rows),
        disturbed=len(known) - len(counting),
        foreign_cores=statistics.fmean(one["foreign_cores"] for one in here) if here else None,
        failure=failures[-1] if failures else "",
    )
