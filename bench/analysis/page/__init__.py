"""The page: everything about a run in one file that fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import pandas as pd
from markupsafe import Markup

from bench.analysis import wording
from bench.analysis.cautions import Caution
from bench.analysis.findings import Finding
from bench.analysis.load import Run
from bench.analysis.recommend import recommendations
from bench.analysis.scaling import table as scaling
from bench.analysis.templates import filled

_GENERAL: Final = (
    *("version", "implementation", "compiler", "flags", "pgo", "lto", "bolt", "allocator", "libc"),
    *("variants", "gil_enabled", "jit", "debug", "executable"),
)
_PLOTS: Final = {
    "quadrants": "Concurrency against parallelism",
    "throughput": "Throughput",
    "scaling": "Scaling",
    "forest": "Interpreters against each other",
    "versions": "From one CPython to the next",
    "convoy": "The convoy effect",
    "life": "The life of a request",
    "cores": "Effective cores",
    "gil": "Cores and the GIL",
    "latency": "Latency",
    "memory": "Memory",
}


def draw_page(
    run: Run,
    summary: pd.DataFrame,
    found: Sequence[Finding],
    wary: Sequence[Caution],
    plots: Mapping[str, str],
    *,
    microscope: Markup | None = None,
    profiles: Markup | None = None,
    profiled: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the page as HTML.

    Args:
        run: what it is about.
        summary: a row for each cell, see :func:`bench.analysis.summary.summarise`.
        found: what was seen.
        wary: what to be wary of.
        plots: SVG by name, in the order in which they are to stand.
        microscope: the chapter of microbenchmarks, if any were measured for it.
        profiles: the chapter of profiles, if any cells were profiled.
        profiled: where in it a cell is, by its name.
    """
    return filled(
        "bench.analysis",
        "report.html.j2",
        name=run.name,
        created=_moment(run.meta.get("created")),
        partial=next((one for one in wary if one.code == "partial"), None),
        findings=found,
        cautions=wary,
        recommendations=list(recommendations(run)),
        objective=str(run.section("plan").get("objective") or "throughput"),
        laws=scaling.rows(run),
        plots=[(name, _PLOTS.get(name, name), inline(svg, name)) for name, svg in plots.items()],
        microscope=microscope,
        profiles=profiles,
        passes=int(run.windows["pass"].nunique()),
        workloads=[(name, _rows(summary[summary["workload"] == name], profiled)) for name in run.values("workload")],
        split=list(wording.SPLIT.values()) if summary["split_cpu_share"].notna().any() else [],
        unknown=sorted({str(reason) for reason in run.windows["accounts_unknown"].dropna()}),
        several_targets=len(run.values("target")) > 1,
        builds=_builds(run),
        machine=_machine(run),
        plan=_plan(run),
        command=str(run.meta.get("command") or ""),
    )


def inline(svg: str, name: str) -> Markup:
    """Make an SVG file a part of a page: no prolog, no size of its own, no id or style that others could share.

    The SVG is Matplotlib's own, in which every text has become a path: no name from a run stands in it as markup.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style.*?</style>\s*", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)  # Matplotlib repeats each text in a comment
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    # 72 units to the inch: drawn at its own size where there is room, so that its text is as large as the page's.
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg).group(1))  # type: ignore[union-attr]
    label = Markup.escape(_PLOTS.get(name, name))
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}" style="--width: {width * 4 / 3:.0f}px"', 1)
    return Markup(svg)  # noqa: S704 - see above


def _rows(summary: pd.DataFrame, profiled: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "profile": profiled.get("-".join(map(str, row[["model", "workload", "clients", "target"]])), ""),
            "clients": str(row["clients"]),
            "model": str(row["model"]),
            "target": str(row["target"]),
            "rate": wording.rate(row["throughput_rps"]),
            "rate_range": _rates(row["throughput_rps_low"], row["throughput_rps_high"]),
            "speedup": wording.ratio(row["speedup"]),
            "speedup_range": wording.span(row["speedup_low"], row["speedup_high"]),
            "cores": wording.ratio(row["effective_cores"]),
            "p50": wording.milliseconds(row["latency_p50_ns"]),
            "p99": wording.milliseconds(row["latency_p99_ns"]),
            "errors": f"{row['errors']:,}",
            "estimated": "≈" if row["split_estimated"] else "",
            "split": [wording.share(row[f"split_{state}_share"]) for state in wording.SPLIT],
            "split_error": wording.share(row["split_error_share"]),
            "notes": str(row["warnings"]).replace(" ", ", "),
            "new_clients": str(bool(new)),
        }
        for new, (_, row) in zip(summary["clients"] != summary["clients"].shift(), summary.iterrows(), strict=True)
    ]


def _rates(low: float, high: float) -> str:
    return wording.UNKNOWN if pd.isna(low) else f"{wording.rate(low)}–{wording.rate(high)}"


def _builds(run: Run) -> list[tuple[str, list[str]]]:
    """Return the builds as rows: what, and one value for each target; the first row names the targets."""
    targets = run.values("target")
    builds = {name: build if isinstance(build := run.section("targets").get(name), dict) else {} for name in targets}
    others = {field for build in builds.values() for field in build} - set(_GENERAL) - {"freethreaded", "version_info"}
    fields = [field for field in (*_GENERAL, *sorted(others)) if any(field in build for build in builds.values())]
    rows = [
        (wording.BUILD.get(field, field), [_plain(build.get(field)) for build in builds.values()]) for field in fields
    ]
    return [("target", targets), *rows]


def _machine(run: Run) -> list[tuple[str, str]]:
    machine, control = run.section("machine"), run.section("control")
    memory = machine.get("memory_bytes")
    rows = {
        "processor": machine.get("cpu_model"),
        "CPUs": machine.get("cpus"),
        "memory": f"{memory / 2**30:.1f} GiB" if isinstance(memory, (int, float)) else None,
        "system": " ".join(_plain(machine[part]) for part in ("system", "release", "arch") if part in machine),
        "load at the beginning": machine.get("load_average"),
        "load generator": ", ".join(
            f"{'CPython' if part == 'version' else part} {_plain(value)}"
            for part, value in control.items()
            if part != "executable"
        ),
    }
    return [(what, _plain(value)) for what, value in rows.items() if value not in (None, "") or what == "CPUs"]


def _plan(run: Run) -> list[tuple[str, str]]:
    plan = run.section("plan")
    share, elapsed = run.meta.get("measured_share"), run.meta.get("elapsed_s")
    work = run.section("work")
    rows = {
        "models": plan.get("models"),
        "workloads": plan.get("workloads"),
        "one request": "; ".join(f"{name}: {_plain(does)}" for name, does in work.items()),
        "clients": plan.get("clients"),
        "passes": plan.get("passes"),
        "windows": f"{len(run.windows)} measured" + _seconds(", each of ", plan.get("window_s")),
        "warm-up": _seconds("", plan.get("warmup_s")),
        "requests a connection": plan.get("conversation", "unknown") or "keepalive: one connection without end",
        "seed of the order": plan.get("seed"),
        "took": _seconds("", elapsed) + (f", {share:.0%} of it measured" if isinstance(share, (int, float)) else ""),
    }
    return [(what, _plain(value)) for what, value in rows.items() if value not in (None, "")]


def _seconds(before: str, value: object) -> str:
    return f"{before}{value:.3g} s" if isinstance(value, (int, float)) else ""


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_plain(name)} {_plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    # Not by equality, for which 1 is True.
    return "unknown" if value is None else "yes" if value is True else "no" if value is False else str(value)


def _moment(created: object) -> str:
    try:
        return f"{datetime.fromisoformat(str(created)):%-d %B %Y, %H:%M} UTC"
    except ValueError:
        return _plain(created)
