"""Command lines: completion by shells, help, and suggestions for unknown names."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.cli import commands as telling
from bench.cli import compare
from bench.cli.completion.script import SERVERS_COMMAND, all_parsers, script
from bench.errors import GilbenchError
from bench.interpreters import variants
from bench.interpreters.selection import resolve
from bench.narrative.explain import explain
from bench.paths import ROOT
from bench.planning.options import OPTIONS
from bench.planning.read_options import read
from bench.profile.request import profiling
from loadgen.cli.command_line import WIDTH
from loadgen.nearest import nearest
from tests.support.made import Made

BASH = shutil.which("bash") or "/bin/bash"
ZSH = shutil.which("zsh")
PARSERS = all_parsers()


def long_options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings if option.startswith("--")]


# Suggestions


@pytest.mark.parametrize(
    ("name", "meant"),
    [("thraeded", "threaded"), ("Threaded", "threaded"), ("multi-process", "multiprocess"), ("x", None)],
)
def test_nearest_finds_a_name_whatever_its_case(name: str, meant: str | None) -> None:
    assert nearest(name, ["serial", "threaded", "multiprocess"]) == meant


@pytest.mark.parametrize(
    ("option", "typed", "meant"),
    [
        ("servers", "serial,thraeded", "threaded"),
        ("workloads", "naitve", "native"),
        ("objective", "throughputs", "throughput"),
        ("requests-per-connection", "keepalvie", "keep-alive"),
        ("baseline", "mien", "mine"),
        ("pythons", f"{sys.executable}+jti", "+jit"),
        ("pythons", "autp", "auto"),
    ],
)
def test_options_suggest_a_name_for_an_unknown_value(
    option: str, typed: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.planning.read_options.discover", list)
    words: dict[str, Any] = {name: row.default for name, row in OPTIONS.items()}
    with pytest.raises(GilbenchError) as refused:
        read(words | {"pythons": f"mine={sys.executable}"} | {option: typed})
    assert f"(did you mean {meant}?)" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("command", "words", "meant"),
    [
        ("gilbench", ["dcotor"], "doctor"),
        ("gilbench completion", ["bahs"], "bash"),
        ("gilbench compare", ["--format", "markdwon"], "markdown"),
        ("gilbench profile", ["--profiler", "py-spi"], "py-spy"),
        ("gilbench peers", ["--tools", "gilbench,wkr"], "wrk"),
        ("gilbench load", ["localhost:1", "--protocol", "htpp"], "http"),
        ("gilbench load", ["localhost:1", "--arrivals", "poison"], "poisson"),
        ("gilbench load", ["localhost:1", "--fail-if", "eror>1%"], "errors"),
        ("gilbench talk", ["localhost:1", "--protocol", "lines"], "line"),
        ("python -m servers", ["thraeded"], "threaded"),
        ("python -m servers", ["threaded", "--workload", "ceho"], "echo"),
    ],
)
def test_commands_suggest_a_name_for_an_unknown_value(
    command: str, words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        PARSERS[command].parse_args(words)
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert f"(did you mean {meant}?)" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [name for name in PARSERS if name != SERVERS_COMMAND])
def test_commands_suggest_an_option_for_an_unknown_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = PARSERS[command]
    meant = long_options(parser)[-1]
    alone = [action for action in parser._actions if not action.option_strings and action.nargs not in {"*", "?"}]
    values = {
        "CELL": "x",
        "PID": "1",
        "HOST:PORT": "h:1",
        "COMMAND": "doctor",
        "SHELL": "bash",
        "FOLDER": "x",
        "FILE": "x",
    }
    given = [values[str(action.metavar)] for action in alone if str(action.metavar) in values]
    with pytest.raises(SystemExit) as end:
        parser.parse_args([*given, f"{meant}x"])
    assert end.value.code == 2
    assert f"unrecognized arguments: {meant}x (did you mean {meant}?); see --help\n" in capsys.readouterr().err


def test_explain_and_profile_suggest_a_cell_for_an_unknown_one(tmp_path: Path) -> None:
    run = Made(models=["threaded"], clients=[4]).load(tmp_path)
    with pytest.raises(GilbenchError, match=r"\(did you mean threaded-cpu-4-3.13\?\)"):
        list(explain(run, "thraeded-cpu-4-3.13"))
    typed = PARSERS["gilbench profile"].parse_args(["--cell", "thraeded-cpu-8-3.13"])
    with pytest.raises(GilbenchError, match=r"\(did you mean threaded-cpu-8-3.13\?\)"):
        profiling(typed)


def test_resolve_suggests_nothing_for_a_name_that_is_near_none() -> None:
    with pytest.raises(GilbenchError) as refused:
        resolve("nosuch", list)
    assert "did you mean" not in str(refused.value)
    with pytest.raises(GilbenchError, match=r"\+x is unknown: choose from"):
        variants.split("3.14+x")


def test_pythons_fails_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.cli.pythons.discover", list)
    assert telling.main(["pythons", "/no/such/python"]) == 2
    assert capsys.readouterr().err.startswith("gilbench pythons: error: '/no/such/python' is neither a version")


# Help


@pytest.mark.parametrize("command", PARSERS)
def test_commands_have_help_with_examples_that_fits_a_terminal(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("NO_COLOR", "1")
    parser = PARSERS[command]
    shown = parser.format_help()
    examples = parser.examples  # type: ignore[attr-defined]
    assert examples
    assert "examples:" in shown
    commands = {f"  {example}" for example, _ in examples}
    assert [line for line in shown.splitlines() if len(line) > WIDTH and line not in commands] == []


@pytest.mark.parametrize("command", PARSERS)
def test_commands_know_the_options_of_their_examples(command: str) -> None:
    """An example may run another command than its own; that command knows each of its options."""
    for example, _ in PARSERS[command].examples:  # type: ignore[attr-defined]
        words = shlex.split(example.replace("<(", " ").replace(")", " ").replace("python3 ", "python "))
        names = [name for name in PARSERS if name in " ".join(words)]
        assert names, example
        longest = max(names, key=len)
        known = {option for action in PARSERS[longest]._actions for option in action.option_strings}
        options = [word for word in words[len(longest.split()) :] if word.startswith("-")]
        assert set(options) <= known, example


def test_compare_reads_its_options_with_its_parser(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        compare.main(["--help"])
    assert end.value.code == 0
    assert "exit codes: 0: done; 1: --fail-slower was given" in capsys.readouterr().out


# Completion

CASES = {
    "gilbench bench --worklo": "--workloads --workload",
    "/some/where/bin/gilbench compare --format m": "markdown",
    "gilbench repo": "report",
    "gilbench completion z": "zsh",
    "nox -s bench -- --worklo": "--workloads --workload",
    "nox -s bench -- --workloads echo,na": "echo,native",
    "nox -s bench -- --workloads echo,e": "",
    "nox -s bench -- --servers = thr": "threaded thread-pool",
    "nox -s bench -- --objective th": "throughput",
    "nox -s bench -- --fixed-layout --res": "--resume --results",
    "nox -s bench -- --budget ": "",
    f"uvx nox -f {ROOT}/noxfile.py -s bench -- --see": "--seed",
    "nox -f /no/such/noxfile.py -s bench -- --see": "",
    "python3 -m nox -s compare -- --format m": "markdown",
    "nox -s profile -- --profiler p": "py-spy perf",
    "nox -s peers -- --tools wrk,f": "wrk,floor",
    "nox -s comp": "compare completion",
    "nox -s bench -- --pythons 3.14+j": "3.14+jit",
    "python -m bench expl": "explain",
    "/some/where/bin/python -m bench completion z": "zsh",
    "python -m bench bench --worklo": "--workloads --workload",
    "python -m loadgen talk --pr": "--protocol",
    "python -m servers subin": "subinterpreters",
    "python -m servers threaded --workload jso": "json",
    "python -m http.server --bi": "",
}
DRIVE = """
compopt() { :; }  # there is no completion going on that it could change
_gilbench_ask() { _gilbench_found=3.13; }
while IFS= read -r line; do
  read -r -a COMP_WORDS <<< "$line"
  [[ $line != *' ' ]] || COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  _gilbench "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  printf '%s\\n' "${COMPREPLY[*]}"
done
"""


def test_script_completes_options_names_and_lists_in_bash(tmp_path: Path) -> None:
    (tmp_path / "completion.bash").write_text(script("bash"), encoding="utf-8")
    drive = f"source {tmp_path / 'completion.bash'}\n{DRIVE}"
    asked = "".join(f"{line}\n" for line in CASES)
    done = subprocess.run(
        [BASH, "--norc", "-c", drive], input=asked, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    shown = [" ".join(sorted(line.split())) for line in done.stdout.splitlines()]
    assert dict(zip(CASES, shown, strict=True)) == {
        case: " ".join(sorted(want.split())) for case, want in CASES.items()
    }


def test_script_offers_the_latest_runs_cells_and_interpreters_in_bash(tmp_path: Path) -> None:
    run = Made(models=["threaded"], clients=[4]).write(tmp_path / "latest") / "run.json"
    run.write_text(json.dumps(json.loads(run.read_bytes()), indent=1), encoding="utf-8")  # as a run writes it
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "3.13"; echo "$*"\n', encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / "completion.bash").write_text(script("bash"), encoding="utf-8")
    drive = (
        f"source {tmp_path / 'completion.bash'}; _gilbench_python={python}\n"
        "_gilbench_candidates cells thr; _gilbench_ask pythons; _gilbench_candidates pythons ''"
    )
    environment = {"PATH": "/usr/bin:/bin", "GILBENCH_RESULTS": str(tmp_path)}
    done = subprocess.run(
        [BASH, "--norc", "-c", drive], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    cells = [
        f"threaded-{workload}-4-{interpreter}"
        for workload in ("echo", "io", "cpu")
        for interpreter in ("3.13", "3.13t")
    ]
    assert done.stdout.splitlines() == [*cells, "auto", "3.13", "-m bench pythons --names"]


def test_pythons_prints_names_one_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.cli.pythons.discover", list)
    assert telling.main(["pythons", f"mine={sys.executable},other={sys.executable}", "--names"]) == 0
    assert capsys.readouterr().out == "mine\nother\n"


@pytest.mark.skipif(ZSH is None, reason="zsh is not installed")
def test_script_completes_in_zsh(tmp_path: Path) -> None:
    assert ZSH is not None
    (tmp_path / "completion.zsh").write_text(script("zsh"), encoding="utf-8")
    drive = (
        f"source {tmp_path / 'completion.zsh'}; compadd() {{ print -r -- $*; }}\n"
        "words=(nox -s bench -- --workloads echo,na) CURRENT=6 service=nox; _gilbench\n"
        "words=(python -m bench expl) CURRENT=4 service=python; _gilbench\n"
        "print -r -- $_comps[nox]"
    )
    done = subprocess.run(
        [ZSH, "-f", "-c", drive], cwd=ROOT, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    lists, one, who = done.stdout.splitlines()
    assert lists.startswith("-S ")
    assert "echo,native" in lists.split()
    assert "explain" in one.split()
    assert who == "_gilbench"
