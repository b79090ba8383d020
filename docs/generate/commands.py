"""Commands and their options, as their own parsers know them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Final

from bench.shell.commands import COMMANDS
from docs.generate.markdown import code, page, prose, table
from docs.sessions import sessions

_BENCH: Final = "nox -s bench --"
_LOADGEN: Final = ("python -m loadgen", "python -m servers", "nox -s peers --")
_DEFAULT: Final = re.compile(r"\s*\(default(?:: (?P<what>[^()]*(?:\([^()]*\)[^()]*)*))?\)")
_ELSEWHERE: Final = {"concurrency models", "workloads", "behind an interpreter"}  # tables with pages of their own
_GROUPS: Final = {"positional arguments": ("Arguments", "argument"), "options": ("Options", "option")}  # argparse's own


def bench() -> str:
    """Return the page of the main command."""
    return page(
        "nox -s bench",
        *_command(_BENCH, level=2),
        "Names are those of [models](models.md), [workloads](workloads.md) and [variants](variants.md).",
    )


def commands() -> str:
    """Return the page of all commands but those of the load generator and the servers."""
    names = [name for name in COMMANDS if name != _BENCH and not name.startswith(_LOADGEN)]
    return page(
        "Commands",
        "Sessions of nox make the environment that they need and run in it, from any folder: `nox -f PATH/noxfile.py "
        "-s ...`. `python` stands for `.nox/bench/bin/python`, which `nox -s bench --install-only` makes. Every "
        "command has `--help`; [exit codes](exit-codes.md) stand by themselves.",
        *(part for name in names for part in (f"## {_plain(name)}", *_command(name, level=3))),
    )


def loadgen() -> str:
    """Return the page of the load generator's commands and the servers."""
    names = [name for name in COMMANDS if name.startswith(_LOADGEN)]
    return page(
        "Load generator and servers",
        "Each can be used by itself. The load generator needs the environment that `nox -s bench --install-only` "
        "makes; the servers need a CPython, 3.9 or newer, and nothing else. [The load generator by "
        "itself](../loadgen.md) tells more.",
        *(part for name in names for part in (f"## {_plain(name)}", *_command(name, level=3))),
    )


def nox_sessions() -> str:
    """Return the page of nox's sessions."""
    rows = [(code(f"nox -s {name}"), session.summary, _whose(name)) for name, session in sessions().items()]
    return page(
        "Sessions",
        "What `nox -l` lists. Options go behind `--`.",
        table(("session", "what it does", "options"), rows),
    )


def _whose(session: str) -> str:
    name = f"nox -s {session} --"
    if name == _BENCH:
        return "[bench](bench.md)"
    if name not in COMMANDS:
        return ""
    where = "loadgen.md" if name.startswith(_LOADGEN) else "commands.md"
    return f"[{session}]({where}#nox--s-{session})"


def _plain(name: str) -> str:
    return name.removesuffix(" --")


def _command(name: str, *, level: int) -> Iterator[str]:
    parser = COMMANDS[name]()
    yield prose(_sentence(" ".join((parser.description or "").split())))
    examples = getattr(parser, "examples", ())  # the servers' parser is one of the standard library's alone
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
