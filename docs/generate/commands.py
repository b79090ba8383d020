"""Pages of commands and their options, read from the commands' parsers."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Final

from bench.cli.commands import COMMANDS, PROGRAM
from bench.cli.completion.script import SERVERS_COMMAND, all_parsers
from docs.generate.markdown import code, page, prose, table
from docs.sessions import sessions
from loadgen.cli.main import SUBCOMMANDS

_BENCH: Final = f"{PROGRAM} bench"
_LOADGEN: Final = (f"{PROGRAM} load", f"{PROGRAM} talk", f"{PROGRAM} peers", SERVERS_COMMAND)
_DEFAULT: Final = re.compile(r"\s*\(default(?:: (?P<what>[^()]*(?:\([^()]*\)[^()]*)*))?\)")
_ELSEWHERE: Final = {"concurrency models", "workloads", "behind an interpreter"}  # tables that have their own pages
_GROUPS: Final = {"positional arguments": ("Arguments", "argument"), "options": ("Options", "option")}  # argparse's own


def bench() -> str:
    """Return the page of the main command."""
    return page(
        _BENCH,
        *_command(_BENCH, level=2),
        "Names are those of [models](models.md), [workloads](workloads.md) and [variants](variants.md).",
    )


def commands() -> str:
    """Return the page of all commands except those of the load generator and the servers."""
    names = [name for name in all_parsers() if name != _BENCH and not name.startswith(_LOADGEN)]
    return page(
        "Commands",
        "`pipx install .` or `uv tool install .` in a checkout puts `gilbench` on PATH. Without that, `nox -s COMMAND "
        "-- OPTIONS` is the same: it makes the environment that the command needs, and works from any folder as `nox "
        "-f PATH/noxfile.py -s ...`. Every command has `--help` and keeps one table of [exit codes](exit-codes.md).",
        *(part for name in names for part in (f"## {name}", *_command(name, level=3))),
    )


def loadgen() -> str:
    """Return the page of the load generator's commands and the servers."""
    parsers = {name: parser for name, parser in all_parsers().items() if name.startswith(_LOADGEN)}
    found = {name: one for parent in parsers for name, one in {parent: parsers[parent], **_subcommands(parent)}.items()}
    return page(
        "Load generator and servers",
        "Each can be used alone. The servers need a CPython, 3.9 or newer, and nothing else. [The load generator "
        "alone](../loadgen.md) has more.",
        *(part for name, parser in found.items() for part in (f"## {name}", *_describe_command(parser, level=3))),
    )


def _subcommands(name: str) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of a command's own commands, by their command lines."""
    own = SUBCOMMANDS if name == f"{PROGRAM} load" else {}
    return {f"{name} {word}": module.parser() for word, module in own.items()}


def nox_sessions() -> str:
    """Return the page of nox's sessions."""
    rows = [(code(f"nox -s {name}"), session.summary, _options_link(name)) for name, session in sessions().items()]
    return page(
        "Sessions",
        "What `nox -l` lists. Options go behind `--`.",
        table(("session", "what it does", "options"), rows),
    )


def _options_link(session: str) -> str:
    name = f"{PROGRAM} {session}"
    if name == _BENCH:
        return "[bench](bench.md)"
    if session not in COMMANDS:
        return ""
    where = "loadgen.md" if name.startswith(_LOADGEN) else "commands.md"
    return f"[{session}]({where}#gilbench-{session})"


def _command(name: str, *, level: int) -> Iterator[str]:
    yield from _describe_command(all_parsers()[name], level=level)


def _describe_command(parser: argparse.ArgumentParser, *, level: int) -> Iterator[str]:
    yield prose(_sentence(" ".join((parser.description or "").split())))
    examples = getattr(parser, "examples", ())  # the servers' parser is a plain argparse parser
    if examples:
        lines = [f"# {what}\n{command}" for command, what in examples]
        yield "```sh\n" + "\n\n".join(lines) + "\n```"
    for group in parser._action_groups:
        rows = [_row(parser, action) for action in group._group_actions if _describe(action)]
        if rows:
            title, kind = _GROUPS.get(group.title or "", ((group.title or "").capitalize(), "option"))
            yield f"{'#' * level} {title}"
            yield table((kind, "what it says", "default"), rows)
    for title, choices in getattr(parser, "tables", {}).items():
        if title not in _ELSEWHERE:
            yield f"{'#' * level} {title.capitalize()}"
            yield table((title, "what it is"), [(code(one), what) for one, what in choices.items()])


def _describe(action: argparse.Action) -> bool:
    return action.help is not argparse.SUPPRESS and not isinstance(
        action, argparse._HelpAction | argparse._SubParsersAction
    )


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> tuple[str, str, str]:
    formatter = parser._get_formatter()
    says = formatter._expand_help(action) if action.help else ""
    found = _DEFAULT.search(says)
    values = formatter._metavar_formatter(action, action.dest)(1)[0] if action.nargs != 0 else ""
    if action.choices and not action.metavar:
        values = "|".join(map(str, action.choices))
    written = [f"{option} {values}".strip() for option in action.option_strings] or [values]
    if found is None:
        return ", ".join(map(code, written)), says, ""
    return ", ".join(map(code, written)), says[: found.start()] + says[found.end() :], found["what"] or ""


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "?", "!", ":")) else f"{text}."
