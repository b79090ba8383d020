"""Headlines: which models overlap waiting and which overlap computing, one sentence for each interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES, WAITS, Seen, find_overlaps
from bench.analysis.stats import BASELINE, Answer
from bench.narrative import wording
from bench.narrative.findings import Finding

_VERBS: Final = {WAITS: "waiting", COMPUTES: "computing"}
DISTURBED: Final = "disturbed"
_SAID: Final[dict[Answer | str, str]] = {
    Answer.YES: "overlaps in",
    Answer.NO: "does not overlap in",
    Answer.UNCLEAR: "may or may not overlap in",
    DISTURBED: "is undecided (something else took CPU time) in",
}


def headlines(run: Run) -> list[Finding]:
    """Return a sentence for each interpreter in which waiting or computing can be judged, with ranges over passes."""
    judged = find_overlaps(run)
    return [
        Finding(f"On {interpreter}", "; ".join(parts) + _clients_phrase(run, interpreter, judged))
        for interpreter in run.values("interpreter")
        if (parts := list(_interpreter_headline(interpreter, judged)))
    ]


def _interpreter_headline(interpreter: str, judged: dict[tuple[str, str], list[Seen]]) -> Iterator[str]:
    for workload, verb in _VERBS.items():
        said: dict[Answer | str, list[str]] = {}
        for (model, under), of in judged.items():
            one = next((one for one in of if one.workload == workload), None)
            if under == interpreter and model != BASELINE and one is not None and one.verdict and one.speedup:
                what = DISTURBED if one.disturbed else one.verdict
                said.setdefault(what, []).append(f"{model} {wording.times(one.speedup)}")
        if said:
            shown = [f"{begins} {wording.join_words(said[what])}" for what, begins in _SAID.items() if what in said]
            yield f"{verb} {', '.join(shown)}"


def _clients_phrase(run: Run, interpreter: str, judged: dict[tuple[str, str], list[Seen]]) -> str:
    counts = {one.clients for (_, under), of in judged.items() if under == interpreter for one in of if one.verdict}
    clients = f"{wording.join_words(map(str, sorted(counts)), 'or')} clients"
    cpus = f" on {wording.plural(run.cpus, 'CPU')}" if run.cpus else ""
    return f" (times serial with {clients}{cpus}; range over passes)"
