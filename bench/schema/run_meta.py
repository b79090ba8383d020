"""``run.json``: what was planned, where, on which builds, and how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.schema.build import Build
from bench.schema.plan import Plan
from bench.schema.reading import refuse_newer
from bench.schema.record import SCHEMA
from loadgen.errors import InvalidInput

META: Final = "run.json"


_IDENTITY: Final = {
    "system": "system",
    "architecture": "arch",
    "processor": "cpu_model",
    "CPUs": "cpus",
    "CPUs of the machine": "cpus_of_machine",
    "CPU quota": "cpu_quota",
}
"""What two machines must share for a difference between them to be one of what was measured."""


class State(StrEnum):
    """State of a run. ``running`` without a process that measures it: it was killed."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine that a run was measured on; ``None``: unknown.

    Attributes:
        system: name of the operating system.
        release: release of its kernel.
        arch: architecture of the processor.
        cpu_model: name of the processor.
        cpus: number of CPUs that the harness may use.
        cpu_quota: CPU-seconds per second that the harness and all that it starts may use, by a quota of its control
            group; ``None``: no quota.
        cpus_of_machine: number of CPUs of the machine.
        memory_bytes: memory of the machine.
        load_average: over 1, 5 and 15 minutes when the run began.
    """

    system: str
    release: str
    arch: str
    cpu_model: str
    cpus: int
    cpus_of_machine: int | None = None
    memory_bytes: int | None = None
    load_average: tuple[float, ...] | None = None
    cpu_quota: float | None = None

    def differences(self, other: Machine | None) -> tuple[str, ...]:
        """Return in what two machines differ, each with both values, this machine's last; empty: in nothing known."""
        if other is None:
            return ("the other is not known",)
        return tuple(
            f"{name}: {before} and {here}"
            for name, attribute in _IDENTITY.items()
            if (before := getattr(other, attribute)) != (here := getattr(self, attribute))
        )

    @property
    def usable_cpus(self) -> float:
        """How many CPUs the harness may keep busy: those that it may run on, or its quota if that is less."""
        return self.cpus if self.cpu_quota is None else min(self.cpus, self.cpu_quota)


class Gap(msgspec.Struct, frozen=True):
    """A model, or a workload, that an interpreter cannot run, and why."""

    interpreter: str
    reason: str
    model: str = ""
    workload: str = ""

    def __str__(self) -> str:
        return f"{self.model or self.workload} under {self.interpreter} {self.reason}"


class Failure(msgspec.Struct, frozen=True):
    """A cell that could not be measured in a pass (``pass`` in JSON), and why."""

    cell: str
    pass_: int = msgspec.field(name="pass")
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What a server that people deploy was, under one interpreter.

    Attributes:
        processes: number of processes that answered; ``None``: unknown, since a user's application does not say.
        workers: number of workers that it was started with; ``None``: it has one process.
        packages: the version of each package installed for it, by its name.
    """

    processes: int | None
    workers: int | None
    packages: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMeta:
    """The content of ``run.json``.

    Attributes:
        schema: version of the layout of this file and of the records.
        name: name of the folder.
        created: when the run began, UTC.
        state: ``running``, ``complete``, or ``partial``: it was ended early. ``running`` without a process that
            measures it: it was killed.
        command: the command line.
        plan: see below; ``None``: unknown.
        work: for each workload, what one request does, as its server reports it.
        pools: for each model with a pool, its number of workers under each interpreter.
        deployed: for each server that people deploy, what it was under each interpreter; see below.
        machine: see below; ``None``: unknown.
        control: the interpreter of the harness and load generator, and the versions of the packages that they use.
        interpreters: the build of each interpreter, by its name; see below.
        gaps: models and workloads that an interpreter cannot run: ``model`` or ``workload``, ``interpreter``,
            ``reason``.
        failures: cells that could not be measured: ``cell``, ``pass``, ``reason``.
        elapsed_s: from the end of set-up to the end of the last window; ``None``: unknown.
        measured_share: share of it spent inside measured windows; ``None``: unknown.
    """

    schema: int
    name: str
    created: str
    state: State
    command: str = ""
    plan: Plan | None = None
    work: dict[str, dict[str, Any]] = field(default_factory=dict)
    pools: dict[str, dict[str, int]] = field(default_factory=dict)
    deployed: dict[str, dict[str, Deployed]] = field(default_factory=dict)
    machine: Machine | None = None
    control: dict[str, str] = field(default_factory=dict)
    interpreters: dict[str, Build] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    failures: tuple[Failure, ...] = ()
    elapsed_s: float | None = None
    measured_share: float | None = None

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> RunMeta:
        """Return what :meth:`to_dict` wrote; null or missing values are unknown, and unknown keys are ignored.

        Raises:
            LookupError, TypeError, ValueError: a value has the wrong type, or a key is missing.
        """
        known = {name: value for name, value in raw.items() if value is not None}
        plan = Plan.from_dict(known.pop("plan")) if "plan" in known else None
        return replace(msgspec.convert(known, cls), plan=plan)

    def to_dict(self) -> dict[str, Any]:
        """Return the object for the file."""
        plain: dict[str, Any] = msgspec.to_builtins(replace(self, plan=None))
        return plain | {"plan": None if self.plan is None else self.plan.to_dict()}


def read_meta(folder: Path) -> RunMeta:
    """Read ``run.json`` of a run's folder.

    Raises:
        InvalidInput: it cannot be read or understood, or is of a newer version.
    """
    path = folder / META
    try:
        raw = msgspec.convert(json.loads(path.read_bytes()), dict[str, Any])
        refuse_newer(path, raw.get("schema", SCHEMA), SCHEMA)
        return RunMeta.from_dict({"schema": SCHEMA, "name": folder.name, **raw})
    except OSError as exc:
        raise InvalidInput(
            f"cannot read {path}: {exc.strerror}; name a run's folder, for example results/latest"
        ) from exc
    except (ValueError, TypeError, LookupError) as exc:
        raise InvalidInput(f"{path} is not a run.json ({exc}): restore the file, or measure again") from exc
