"""Commands that are not run, only checked with their parser."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from unittest import mock

from bench.cli.commands import PROGRAM
from bench.cli.completion.script import SERVERS_COMMAND, all_parsers
from bench.errors import GilbenchError
from bench.interpreters import variants
from bench.planning import options, read_options
from docs.blocks.programs import Program, program, runnable
from docs.sessions import ROOT

_BENCH: Final = "bench"

_VERSION: Final = re.compile(r"3\.\d+(\.\d+)?t?|auto|[\w.]*=?[\w./~-]*python[\w.]*")
_OTHERS: Final = re.compile(
    r"bash|cat|cd|cp|curl|git|grep|head|jq|kill|ls|mkdir|nox|open|perf|pip|pipx|py-spy|pytest-benchmark|python[\d.]*t?|run"
    "|source|taskset|uv|uvx|wrk"
)
"""Programs from outside the project, whose arguments are not checked."""

_STANDS_FOR: Final = {"PID": "1"}
"""Values for the words in capitals that a reader replaces."""

_NO_NAME: Final = re.compile(r"[^\w.+:-]")
_HANDLER: Final = re.compile(r"([\w./-]+\.py):\w")
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w*=")
_JOINTS: Final = frozenset({"&&", "||", ";", "|", "&"})
_REDIRECTIONS: Final = frozenset({">", ">>", "<", ">&"})


def refusal(command: str, files: Mapping[str, str]) -> str:
    """Return why a command would be refused, or "" if it would be accepted.

    Args:
        command: the command line; may join several commands.
        files: files of the reader that it may name, by path.
    """
    with _among(dict.fromkeys(_HANDLER.findall(command), "") | dict(files)):
        try:
            refused = ((words, _why(words)) for words in _commands(command))
            return "; ".join(f"{shlex.join(words)}: {why}" for words, why in refused if why)
        except ValueError as exc:
            return f"{command}: {exc}"


def _commands(typed: str) -> Iterator[list[str]]:
    """Yield each command of a line without the parts that the shell itself handles.

    Raises:
        ValueError: a quotation is not closed.
    """
    reader = shlex.shlex(typed, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    for joint, several in itertools.groupby(reader, key=_JOINTS.__contains__):
        words = list(several) if not joint else []
        while words and _VARIABLE.match(words[0]):
            words = words[1:]
        yield words[: next((place for place, word in enumerate(words) if word in _REDIRECTIONS), None)]


def _why(words: list[str]) -> str:
    if not words or "--help" in words:
        return ""
    words = [_STANDS_FOR.get(word, word) for word in words]
    own = program(words)
    if own is None:
        return "" if _OTHERS.fullmatch(words[0].rpartition("/")[2]) else f"{words[0]} is no program that pages may use"
    if own.module == "-c":
        compile(own.words[0], "<string>", "exec")
        return ""
    if own.command == _BENCH:
        return _bench(own.words)
    return _parse(own)


def _parse(own: Program) -> str:
    """Return why the command's parser refuses the words, or ""."""
    if own.module == SERVERS_COMMAND.split()[-1]:
        return _refusal(all_parsers()[SERVERS_COMMAND], own.words)
    module = importlib.import_module(own.module if own.command else runnable(own.module))
    return _refusal(module.parser(), own.words) if hasattr(module, "parser") else f"{own.module} has no parser"


def _refusal(parser: argparse.ArgumentParser, words: Sequence[str]) -> str:
    said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed below
    with said, contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            parser.parse_args(words)
        except SystemExit as end:
            said.seek(0)
            return said.read().strip() if end.code else ""
    return ""


def _bench(words: tuple[str, ...]) -> str:
    """Read the options as a run would, with this interpreter in place of each one named."""
    found, rest = all_parsers()[f"{PROGRAM} {_BENCH}"].parse_known_args(words)
    if rest:
        return f"{rest[0]} is no option"
    given: dict[str, Any] = {name: getattr(found, options.DEST.format(name)) for name in options.OPTIONS}
    try:
        given["pythons"] = ",".join(_stand_ins(given["pythons"]))
        with mock.patch.object(read_options, "discover", return_value=[]):  # takes seconds, not needed
            read_options.read(given | {"resume": None})
    except GilbenchError as exc:
        return str(exc)
    return ""


def _stand_ins(pythons: str) -> Iterator[str]:
    for spec in pythons.split(","):
        plain, _ = variants.split(spec.strip())
        if not _VERSION.fullmatch(plain):
            raise ValueError(f"{spec} is no interpreter")
        names = ("3.14", "3.14t") if plain == "auto" else (spec.strip().partition("=")[0],)
        yield from (f"{_NO_NAME.sub('-', name)}={sys.executable}" for name in names)


@contextlib.contextmanager
def _among(files: Mapping[str, str]) -> Iterator[None]:
    """Change to a temporary folder that holds the reader's files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, source in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        for name in ("results", ".nox"):
            Path(folder, name).symlink_to(ROOT / name)
        with contextlib.chdir(folder):
            yield
