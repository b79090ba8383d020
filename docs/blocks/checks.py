"""Checks of blocks, one row for each kind."""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import tomllib
from collections.abc import Callable
from typing import Final, NamedTuple

import yaml

from docs.blocks import accepted
from docs.blocks.console import Step, agrees, plain, steps, text
from docs.blocks.page import Block, Page
from docs.blocks.shell import Shell
from docs.sessions import ROOT


class Verdict(NamedTuple):
    """The result of checking a block.

    Attributes:
        wrong: what is wrong with it, or "".
        fixed: the block with the actual output; ``None`` if that would not fix it.
    """

    wrong: str = ""
    fixed: str | None = None


FINE: Final = Verdict()


def check(page: Page, block: Block) -> Verdict:
    """Check a block according to its first line."""
    how = _HOW.get((block.language, block.mark))
    if how is None and block.language == "python" and block.mark.endswith(".py"):
        how = _compile
    if block.language == "diff" and (ROOT / block.mark).is_file():
        how = _change
    if how is None:
        kinds = ", ".join(sorted({language for language, _ in _HOW}))
        first = f"{block.language} {block.mark}".strip()
        return Verdict(f"{first or 'nothing'} is no kind of block: write one of {kinds} behind the fence")
    return how(page, block)


def _console(_: Page, block: Block) -> Verdict:
    shell, made, wrong = Shell(), [], []
    try:
        given = steps(block.source)
    except ValueError as exc:
        return Verdict(str(exc))
    for step, following in zip(given, [*(step.command for step in given[1:]), ""], strict=True):
        try:
            printed = plain(shell.run(step.command))
        except ValueError as exc:
            return Verdict(f"{step.command}: {exc}")
        fine = agrees(step.shown, printed)
        made.append(step if fine else Step(step.typed, printed))
        if not fine:
            wrong.append(f"$ {step.command}\nshown:\n{step.shown}\nprinted:\n{printed}")
        if shell.status and not following.startswith("echo $?"):
            return Verdict(f"$ {step.command}\nended with {shell.status}, which the page does not show:\n{printed}")
    return Verdict("\n".join(wrong), text(made) if wrong else None)


def _console_accepted(page: Page, block: Block) -> Verdict:
    try:
        commands = [step.command for step in steps(block.source)]
    except ValueError as exc:
        return Verdict(str(exc))
    return _all_accepted(page, commands)


def _sh(page: Page, block: Block) -> Verdict:
    return _all_accepted(page, block.source.replace("\\\n", " ").splitlines())


def _all_accepted(page: Page, commands: list[str]) -> Verdict:
    refused = (
        accepted.refusal(command.replace("\\\n", " "), page.files) for command in commands if command != "echo $?"
    )
    return Verdict("\n".join(filter(None, refused)))


def _python(page: Page, block: Block) -> Verdict:
    code = compile("\n" * block.line + block.source, str(page.path), "exec")
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, page.namespace)  # noqa: S102 - the page's own code
    return FINE


def _pycon(page: Page, block: Block) -> Verdict:
    test = doctest.DocTestParser().get_doctest(block.source, page.namespace, str(page.path), str(page.path), block.line)
    test.globs = page.namespace  # not a copy: later blocks of the page share it
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    failed = runner.run(test, out=said.write, clear_globs=False).failed
    return Verdict(said.getvalue()) if failed else FINE


def _compile(page: Page, block: Block) -> Verdict:
    return _readable(lambda source: compile(source, f"{page.path}: {block.mark}", "exec"))(page, block)


def _change(page: Page, block: Block) -> Verdict:
    text = (ROOT / block.mark).read_text(encoding="utf-8")
    missing = [before for before, _ in page.changes[block.mark] if text.count(before) != 1]
    return Verdict("".join(f"this does not stand once in {block.mark}:\n{before}" for before in missing))


def _readable(read: Callable[[str], object]) -> Callable[[Page, Block], Verdict]:
    def check_it(_: Page, block: Block) -> Verdict:
        try:
            read(block.source)
        except (ValueError, SyntaxError, yaml.YAMLError) as exc:
            return Verdict(f"it cannot be read: {exc}")
        return FINE

    return check_it


def _show(_: Page, __: Block) -> Verdict:
    return FINE


_HOW: Final[dict[tuple[str, str], Callable[[Page, Block], Verdict]]] = {
    ("console", ""): _console,
    ("console", "accepted"): _console_accepted,
    ("sh", ""): _sh,
    ("sh", "then"): _show,
    ("python", ""): _python,
    ("pycon", ""): _pycon,
    ("json", ""): _readable(json.loads),
    ("toml", ""): _readable(tomllib.loads),
    ("yaml", ""): _readable(yaml.safe_load),
    ("text", ""): _show,
    ("mermaid", ""): _show,
}
