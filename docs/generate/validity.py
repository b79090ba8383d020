"""The page on validity, written from the committed validation."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.analysis.validation import load_validation
from bench.narrative import validation as words
from bench.report.validation import page as drawn
from docs.generate.markdown import page, table

EXAMPLE: Final = Path("results/validate/example")
NAME: Final = "../validity.md"
"""The page's path relative to the folder of the reference."""


def text() -> str:
    """Return the page.

    Raises:
        GilbenchError: there is no committed validation.
    """
    validation = load_validation(EXAMPLE)
    limits = drawn.limits(validation)
    rows = [(*words.cells(result), result.says) for result in validation.results]
    gaps = [f"* {name}: {reason}" for name, reason in validation.meta.gaps.items()]
    return page(
        "Validity",
        "Do the figures agree with what is known? `gilbench validate` asks that on your machine. It repeats studies "
        "whose truth is known by arithmetic, construction, theory, counting, or a second instrument that measures the "
        "same in another way, until each row's interval is narrow enough or the budget is spent. What follows is one "
        f"run of it, kept in [`{EXAMPLE}`](../{EXAMPLE}/run.json) with every observation.",
        f"**{drawn.lead(validation)}**",
        f"Measured {drawn.context(validation)}.",
        f"![Each row's deviation in units of its bound](../{EXAMPLE}/deviations.png)",
        "## How a row is judged",
        "An observation is a figure and what it is known to be at the same time. A row's estimate is the "
        "truth plus the mean deviation, with Student's 95% interval over observations (Clopper and Pearson's "
        "where each is a yes or a no). It *agrees* if that interval lies within the row's bound. It "
        "*disagrees* only if an interval corrected for the number of rows, and of times that each is judged, "
        "lies outside the bound: one suite in 20 or fewer has a false verdict. Else it is *too disturbed* to "
        f"say. Observations during which other programs used more than {limits['foreign']} cores, or the "
        f"machine's host took more than {limits['steal']} of the CPU time, are kept and do not count. Exit "
        "codes: 0, all agree; 1, a row disagrees; 3, too disturbed to say of all.",
        "## Rows",
        table((*words.HEAD, "what is measured"), rows),
        *(["## Not observed", "\n".join(gaps)] if gaps else []),
    )
