"""Facts about the builds, the machine and the plan: rows of a name and its value."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.analysis.load import Run
from bench.narrative import wording
from bench.paths import ROOT

_FIELDS: Final = (
    *("version", "implementation", "compiler", "flags", "pgo", "lto", "bolt", "allocator", "libc"),
    *("variants", "gil_enabled", "jit", "debug", "executable", "built"),
)
_UNCHANGED: Final = ("", None)


def builds(run: Run) -> list[tuple[str, list[str]]]:
    """Return the builds as rows: a field, and one value for each interpreter; the first row has the interpreters."""
    interpreters = run.values("interpreter")
    found = [run.meta.interpreters.get(name) for name in interpreters]
    rows = [
        (wording.BUILD.get(field, field), [plain(getattr(build, field, None)) for build in found])
        for field in _FIELDS
        if any(getattr(build, field, None) not in _UNCHANGED for build in found)
    ]
    return [("interpreter", interpreters), *rows]


def versions(run: Run) -> list[str]:
    """Return the version of each interpreter, a build without a GIL with a ``t``; its name if that is all there is."""
    builds = run.meta.interpreters
    shown = [
        f"{builds[name].version}{'t' if builds[name].freethreaded else ''}" if name in builds else name
        for name in run.values("interpreter")
    ]
    return list(dict.fromkeys(shown))


def pair(run: Run) -> str:
    """Return what the chapter of interpreters compares, as the text of a link; empty with one interpreter."""
    others = [name for name in run.values("interpreter") if name != run.baseline]
    return f"{wording.join_words(others)} against {run.baseline}" if others else ""


def documentation(folder: Path) -> str:
    """Return the address of the documentation: in the checkout that a run is in, else from the project's metadata."""
    page = ROOT / "docs" / "concepts" / "overlap.md"
    if page.is_file() and folder.resolve().is_relative_to(ROOT):
        return os.path.relpath(page, folder.resolve())
    try:
        urls = importlib.metadata.metadata("gilbench").get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    return next((url.partition(", ")[2] for url in urls if url.lower().startswith("documentation,")), "")


def machine(run: Run) -> list[tuple[str, str]]:
    here = run.meta.machine
    control = ", ".join(
        f"{'CPython' if part == 'version' else part} {value}"
        for part, value in run.meta.control.items()
        if part != "executable"
    )
    rows: dict[str, object] = {"CPUs": None}
    if here is not None:
        rows = {
            "processor": here.cpu_model,
            "CPUs": here.cpus,
            "CPU quota": None if here.cpu_quota is None else f"{here.cpu_quota:g} CPUs",
            "memory": None if here.memory_bytes is None else f"{here.memory_bytes / 2**30:.1f} GiB",
            "system": f"{here.system} {here.release} {here.arch}",
            "load average at the start": here.load_average,
        }
    rows["load generator"] = control
    return [(what, plain(value)) for what, value in rows.items() if value not in _UNCHANGED or what == "CPUs"]


def plan(run: Run) -> list[tuple[str, str]]:
    planned, share, elapsed_s = run.plan, run.meta.measured_share, run.meta.elapsed_s
    rows: dict[str, object] = {
        "work per request": "; ".join(f"{name}: {plain(does)}" for name, does in run.meta.work.items()),
        "windows": f"{len(run.windows)} measured" + _seconds(", each of ", planned.window_s if planned else None),
        "duration": _seconds("", elapsed_s) + ("" if share is None else f", {share:.0%} of it measured"),
    }
    if planned is not None:
        rows |= {
            "models": planned.values("model"),
            "workloads": planned.values("workload"),
            "clients": planned.values("clients"),
            "pools": ", ".join(wording.model_name(run, model) for model in run.meta.pools),
            "passes": planned.passes,
            "warm-up": _seconds("", planned.warmup_s),
            "requests per connection": planned.requests_per_connection or "unlimited (keep-alive)",
            "random seed": planned.seed,
        }
    return [(what, plain(rows[what])) for what in _PLAN if rows.get(what) not in _UNCHANGED]


_PLAN: Final = (
    *(
        "models",
        "workloads",
        "pools",
        "work per request",
        "clients",
        "passes",
        "windows",
        "warm-up",
        "requests per connection",
    ),
    *("random seed", "duration"),
)


def command(run: Run) -> str:
    """Return the command that measures the same again, in the same random order; empty if it was not recorded."""
    typed = run.meta.command
    try:
        words = shlex.split(typed)
    except ValueError:  # free text
        return typed
    if not words or run.plan is None or any(word.split("=")[0] == "--seed" for word in words):
        return typed
    return f"{typed} {'' if '--' in words else '-- '}--seed {run.plan.seed}"


def plain(value: object) -> str:
    """Format any value of ``run.json`` as text."""
    if isinstance(value, dict):
        return ", ".join(f"{plain(name)} {plain(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    # Not by equality, for which 1 is True.
    return "unknown" if value is None else "yes" if value is True else "no" if value is False else str(value)


def moment(created: str) -> str:
    try:
        at = datetime.fromisoformat(created)
        return f"{(at if at.tzinfo is None else at.astimezone(UTC)):%-d %B %Y, %H:%M} UTC"
    except ValueError:
        return created or "unknown"


def _seconds(before: str, value: float | None) -> str:
    return "" if value is None else f"{before}{value:.3g} s"
