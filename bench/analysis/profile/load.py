"""Profiles on disk, in ``profile/CELL/`` of a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.schema.cell import Cell
from bench.schema.layout import PROFILE_SCHEMA
from bench.schema.reading import refuse_newer
from loadgen.errors import InvalidInput

STACK_KINDS: Final = ("cpu", "gil", "wall", "blocked")
PROFILE: Final = "profile"

Stack = tuple[str, ...]
Stacks = Counter[Stack]


class Lane(NamedTuple):
    """A thread's activity over time, in microseconds from the first sample."""

    tid: int
    pid: int
    name: str
    spans: list[tuple[float, float, str]]


class Request(NamedTuple):
    """A client's request, in microseconds from the first sample at the server."""

    client: int
    begin_us: float
    end_us: float


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of a cell.

    Attributes:
        folder: its folder.
        meta: its ``profile.json``.
        stacks: by kind; see :data:`STACK_KINDS`.
        lanes: lanes of the timeline; empty if there is none.
        requests: requests within the timeline.
        end_us: length of the timeline.
        memory: its ``memory.json``; empty if there is none.
    """

    folder: Path
    meta: dict[str, Any]
    stacks: dict[str, Stacks]
    lanes: list[Lane]
    requests: list[Request]
    end_us: float
    memory: dict[str, Any]

    @property
    def cell(self) -> Cell:
        found = self.meta["cell"]
        return Cell(str(found["model"]), str(found["workload"]), int(found["clients"]), str(found["interpreter"]))

    @property
    def interpreter(self) -> str:
        return self.cell.interpreter

    @property
    def group(self) -> str:
        """Name of the cell without its interpreter."""
        return self.cell.group.name

    @property
    def name(self) -> str:
        return self.cell.name

    def seconds(self, samples: float) -> float:
        """Return the thread time that a number of samples represents."""
        return samples / float(self.meta["rate_hz"])

    def share_of_time(self, kind: str, samples: float) -> float:
        """Return that time as a share of the time under load: at most 1 for one GIL, at most N for N CPUs."""
        sampled_s = float(self.meta["sampled_s"].get(kind) or 0.0)
        return self.seconds(samples) / sampled_s if sampled_s else 0.0

    @property
    def shares(self) -> dict[str, float]:
        """Shares of the time of all lanes, by state; empty without a timeline."""
        return dict((self.meta.get("timeline") or {}).get("shares") or {})


def load_profiles(run: Path) -> list[Profile]:
    """Read all profiles of a run, sorted by group and interpreter.

    Raises:
        InvalidInput: a file cannot be read or parsed.
    """
    folder = run / PROFILE
    if not folder.is_dir():
        return []
    found = [read(one) for one in sorted(folder.iterdir()) if (one / "profile.json").is_file()]
    return sorted(found, key=lambda one: (one.group, one.interpreter))


def read(folder: Path) -> Profile:
    """Read one profile.

    Raises:
        InvalidInput: a file cannot be read or parsed.
    """
    try:
        meta = json.loads((folder / "profile.json").read_bytes())
        refuse_newer(folder, meta["schema"], PROFILE_SCHEMA)
        stacks = {kind: _stacks(path) for kind in STACK_KINDS if (path := folder / f"stacks-{kind}.folded").is_file()}
        raw, memory = (_json(folder / name) for name in ("timeline.json", "memory.json"))
        return Profile(
            folder=folder,
            meta=meta,
            stacks=stacks,
            lanes=[
                Lane(int(one["tid"]), int(one["pid"]), str(one["name"]), _spans(one["spans"]))
                for one in raw.get("lanes", [])
            ],
            requests=[Request(int(client), float(begin), float(end)) for client, begin, end in raw.get("requests", [])],
            end_us=float(raw.get("end_us", 0.0)),
            memory=memory,
        )
    except (OSError, ValueError, TypeError, LookupError) as exc:
        raise InvalidInput(f"cannot read the profile in {folder} ({exc}): profile the cell again") from exc


def _json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty if there is no such file."""
    found: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    return found


def _spans(raw: Sequence[Sequence[Any]]) -> list[tuple[float, float, str]]:
    return [(float(begin), float(end), str(doing)) for begin, end, doing in raw]


def _stacks(path: Path) -> Stacks:
    found = Stacks()
    for line in path.read_text(encoding="utf-8").splitlines():
        text, _, count = line.rpartition(" ")
        found[tuple(text.split(";"))] += int(count)
    return found
