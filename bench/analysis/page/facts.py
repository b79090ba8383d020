"""Facts of the builds, the machine and the plan: rows of a name and its value."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Final

from bench.analysis import wording
from bench.analysis.load import Run

_GENERAL: Final = (
    *("version", "implementation", "compiler", "flags", "pgo", "lto", "bolt", "allocator", "libc"),
    *("variants", "gil_enabled", "jit", "debug", "executable"),
)


def builds(run: Run) -> list[tuple[str, list[str]]]:
    """Return the builds as rows: what, and one value for each interpreter; the first row names the interpreters."""
    interpreters = run.values("interpreter")
    found = {
        name: build if isinstance(build := run.section("interpreters").get(name), dict) else {} for name in interpreters
    }
    others = {field for build in found.values() for field in build} - set(_GENERAL) - {"freethreaded", "version_info"}
    fields = [field for field in (*_GENERAL, *sorted(others)) if any(field in build for build in found.values())]
    rows = [
        (wording.BUILD.get(field, field), [plain(build.get(field)) for build in found.values()]) for field in fields
    ]
    return [("interpreter", interpreters), *rows]


def machine(run: Run) -> list[tuple[str, str]]:
    here, control = run.section("machine"), run.section("control")
    memory = here.get("memory_bytes")
    rows = {
        "processor": here.get("cpu_model"),
        "CPUs": here.get("cpus"),
        "memory": f"{memory / 2**30:.1f} GiB" if isinstance(memory, (int, float)) else None,
        "system": " ".join(plain(here[part]) for part in ("system", "release", "arch") if part in here),
        "load at the beginning": here.get("load_average"),
        "load generator": ", ".join(
            f"{'CPython' if part == 'version' else part} {plain(value)}"
            for part, value in control.items()
            if part != "executable"
        ),
    }
    return [(what, plain(value)) for what, value in rows.items() if value not in (None, "") or what == "CPUs"]


def plan(run: Run) -> list[tuple[str, str]]:
    planned = run.section("plan")
    share, elapsed = run.meta.get("measured_share"), run.meta.get("elapsed_s")
    work = run.section("work")
    rows = {
        "models": planned.get("models"),
        "workloads": planned.get("workloads"),
        "one request": "; ".join(f"{name}: {plain(does)}" for name, does in work.items()),
        "clients": planned.get("clients"),
        "passes": planned.get("passes"),
        "windows": f"{len(run.windows)} measured" + _seconds(", each of ", planned.get("window_s")),
        "warm-up": _seconds("", planned.get("warmup_s")),
        "requests per connection": planned.get("requests_per_connection", "unknown")
        or "keep-alive: one connection without end",
        "seed of the order": planned.get("seed"),
        "took": _seconds("", elapsed) + (f", {share:.0%} of it measured" if isinstance(share, (int, float)) else ""),
    }
    return [(what, plain(value)) for what, value in rows.items() if value not in (None, "")]


def command(run: Run) -> str:
    """Return what measures the same again, in the same random order; empty if that was not recorded."""
    typed, seed = str(run.meta.get("command") or ""), run.section("plan").get("seed")
    try:
        words = shlex.split(typed)
    except ValueError:  # somebody's own text
        return typed
    if not words or not isinstance(seed, int) or any(word.split("=")[0] == "--seed" for word in words):
        return typed
    return f"{typed} {'' if '--' in words else '-- '}--seed {seed}"


def plain(value: object) -> str:
    """Write whatever ``run.json`` holds as text."""
    if isinstance(value, dict):
        return ", ".join(f"{plain(name)} {plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(plain, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    # Not by equality, for which 1 is True.
    return "unknown" if value is None else "yes" if value is True else "no" if value is False else str(value)


def moment(created: object) -> str:
    try:
        at = datetime.fromisoformat(str(created))
        return f"{(at if at.tzinfo is None else at.astimezone(UTC)):%-d %B %Y, %H:%M} UTC"
    except ValueError:
        return plain(created)


def _seconds(before: str, value: object) -> str:
    return f"{before}{value:.3g} s" if isinstance(value, (int, float)) else ""
