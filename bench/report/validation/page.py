"""The page of a validation."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.analysis.validation import Validation
from bench.narrative import validation as words
from bench.report import theme
from bench.report.inline import inline
from bench.report.plots.style import save, style
from bench.report.templates import render_template
from bench.report.validation import plot
from bench.schema.run_meta import State
from bench.stats.agreement import Verdict

PACKAGE: Final = "bench.report.validation"
CLASSES: Final = {Verdict.AGREES: "agrees", Verdict.DISAGREES: "disagrees", Verdict.DISTURBED: "undecided"}


def write(validation: Validation) -> Path:
    """Write the picture and the page into the folder, and return the page's path.

    Raises:
        OSError: the folder cannot be written to.
    """
    with style():
        figure = plot.draw(validation)
    picture = inline(save(figure, validation.folder, plot.NAME), plot.NAME)
    page = render_template(
        PACKAGE,
        "page.html.j2",
        theme=theme.css(),
        lead=lead(validation),
        context=context(validation),
        picture=picture,
        words=words,
        results=validation.results,
        wrong=[result for result in validation.results if result.verdict is Verdict.DISAGREES],
        classes=CLASSES,
        gaps=validation.meta.gaps,
        **limits(validation),
    )
    path = validation.folder / "validation.html"
    path.write_text(page, encoding="utf-8")
    return path


def lead(validation: Validation) -> str:
    """Return the sentence that sums up the page."""
    counts = validation.counts
    whole = len(validation.results)
    if counts[Verdict.DISAGREES]:
        return (
            f"{counts[Verdict.DISAGREES]} of {whole} rows disagree with the known value; {words.summary(validation)}."
        )
    if counts[Verdict.DISTURBED]:
        return f"No row disagrees with the known value; of {whole}, {words.summary(validation)}."
    return f"All {whole} rows agree with the known value, each within its bound."


def context(validation: Validation) -> str:
    """Return when and where the validation was measured."""
    meta = validation.meta
    machine = meta.machine
    versions = ", ".join(f"{name} ({build.version})" for name, build in meta.interpreters.items())
    took = "" if meta.elapsed_s is None else f", {meta.elapsed_s:.0f} s of {meta.budget_s:.0f} s"
    state = "" if meta.state is State.COMPLETE else f", {meta.state}"
    return (
        f"{meta.created}{took}{state}; {machine.usable_cpus:g} CPUs, {machine.cpu_model}, {machine.system} "
        f"{machine.release}; {versions}; harness {meta.control['version']}"
    )


def limits(validation: Validation) -> dict[str, str]:
    """Return this run's limits for a disturbed observation."""
    had = validation.meta.disturbed_above
    return {"foreign": f"{had.foreign_cores:g}", "steal": f"{had.steal_share:.0%}"}
