"""The table of generated pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from docs.generate import choices, codes, commands, data, overlap_picture, validity
from docs.generate.markdown import page, table


class Made(NamedTuple):
    """A page: its title, a summary of its content, and the function that returns its text."""

    title: str
    summary: str
    text: Callable[[], str]


PAGES: Final = {
    "bench": Made("gilbench bench", "the main command and its options", commands.bench),
    "sessions": Made("Sessions", "everything that nox can run", commands.nox_sessions),
    "commands": Made("Commands", "every other command and its options", commands.commands),
    "loadgen": Made("Load generator and servers", "their commands and options", commands.loadgen),
    "models": Made("Models", "concurrency models: what `--servers` takes", choices.models),
    "workloads": Made("Workloads", "what a request costs: what `--workloads` takes", choices.workloads),
    "variants": Made("Variants", "what can be changed about an interpreter", choices.variants),
    "metrics": Made("Metrics", "what is compared", choices.metrics),
    "run": Made("A run's folder", "its files, and the keys of `run.json`", data.run_folder),
    "record": Made("Record", "the fields of `records.jsonl`, with units", data.records),
    "frames": Made("Frames", "the columns of what Python gets", data.python_frames),
    "glossary": Made("Glossary", "every term, in a sentence", codes.glossary),
    "warnings": Made("Warnings", "every warning code, when it is said, and what to do", codes.warnings),
    "exit-codes": Made("Exit codes", "of every command", codes.exits),
}


def index() -> str:
    """Return the page that links to all others."""
    rows = [(f"[{one.title}]({name}.md)", one.summary) for name, one in PAGES.items()]
    return page(
        "Reference",
        "Written from the code, so that it cannot say anything else.",
        table(("page", "what is there"), rows),
    )


def every() -> dict[str, str]:
    """Return the text of each generated file, by its path relative to the folder of the reference."""
    reference = {f"{name}.md": one.text() for name, one in PAGES.items()}
    return {"index.md": index(), **reference, validity.NAME: validity.text(), **overlap_picture.pictures()}
