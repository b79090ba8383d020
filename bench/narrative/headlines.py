"""The headline of a run: its finding in one or two sentences, without figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bench.analysis.comparison import compare_interpreters
from bench.analysis.decisions import decisions
from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES, WAITS, find_overlaps
from bench.analysis.stats import BASELINE, Answer
from bench.narrative import wording

MOST_NAMED: Final = 5
"""Models, or models under some interpreters, that a sentence names; of more it gives the number."""

_VERBS: Final = {WAITS: "waiting", COMPUTES: "computing"}

Answers = Mapping[str, Mapping[str, Answer]]
"""By model and interpreter: whether requests overlap."""


def headline(run: Run) -> str:
    """Return the headline: which models overlap waiting and computing; else how interpreters, or models, compare.

    Disturbed cells are left out, and named as undecided.
    """
    for sentences in (_overlap(run), _interpreters(run), _fastest(run)):
        if found := " ".join(sentences):
            return found
    return f"{run.name}: nothing to compare"


def _overlap(run: Run) -> Iterator[str]:
    for workload in _VERBS:
        answers: dict[str, dict[str, Answer]] = {}
        for (model, interpreter), observed in find_overlaps(run).items():
            one = next((one for one in observed if one.workload == workload), None)
            if model != BASELINE and one is not None and one.verdict is not None:
                answers.setdefault(model, {})[interpreter] = one.verdict
        if answers:
            yield _sentence(run, _VERBS[workload], answers)


def _sentence(run: Run, verb: str, answers: Answers) -> str:
    yes, no, unclear = (list(_subjects(run, answers, answer)) for answer in (Answer.YES, Answer.NO, Answer.UNCLEAR))
    undecided = f"; undecided: {_named(unclear)}" if unclear else ""
    if not yes and not no:
        return f"Whether {verb} overlaps is undecided."
    if yes and not no and not unclear and len(answers) > 1:
        return f"Every model but {BASELINE} overlaps {verb}."
    if not yes and not unclear and len(answers) > 1:
        return f"No model overlaps {verb}."
    does = f"overlaps {'only ' if no else ''}with {_named(yes)}" if yes else f"does not overlap with {_named(no)}"
    return f"{verb.capitalize()} {does}{undecided}."


def _subjects(run: Run, answers: Answers, answer: Answer) -> Iterator[str]:
    """Yield the models with an answer, each with the interpreters that have it."""
    for model, by_interpreter in answers.items():
        those = {interpreter for interpreter, one in by_interpreter.items() if one is answer}
        free = {interpreter for interpreter in by_interpreter if run.is_free(interpreter)}
        if not those:
            continue
        if those == by_interpreter.keys():
            yield model
        elif those == free:
            yield f"{model} without a GIL"
        elif those == by_interpreter.keys() - free:
            yield f"{model} with a GIL"
        else:
            yield f"{model} on {wording.join_words([name for name in by_interpreter if name in those])}"


def _named(subjects: list[str]) -> str:
    if len(subjects) > MOST_NAMED:
        return f"{len(subjects)} models"
    return wording.join_words(subjects)


def _interpreters(run: Run) -> Iterator[str]:
    if len(run.values("interpreter")) < 2:
        return
    for (interpreter, metric), mean in compare_interpreters(run).means.items():
        if metric != "throughput":
            continue
        interval = f" ({wording.span(mean.low, mean.high)})" if mean.has_interval else " (one pass)"
        yield f"{interpreter} serves {wording.ratio(mean.ratio)}×{interval} the requests/s of {run.baseline}."


def _fastest(run: Run) -> Iterator[str]:
    for decision in decisions(run)[:1]:
        if decision.best is not None:
            ties = f", tied with {wording.plural(len(decision.tied), 'other')}" if decision.tied else ""
            yield f"{wording.cell_name(run, decision.best)} serves {decision.workload} best{ties}."
