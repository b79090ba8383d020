"""Names of tests, each of which begins with the unit under test, so that a failure shows what is broken.

A unit is a module, package, script, class, function or method of this repository, a command, a model or a workload, in
snake case. A statement about it follows: ``test_histogram_merges_exactly``. A class ``TestHistogram`` names the unit
for the tests in it.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from servers.models import MODELS
from servers.workloads import WORKLOADS

ROOT = Path(__file__).parent.parent
FOLDERS = ("servers", "loadgen", "bench", "docs")
NOT_SOURCES = {"__pycache__", "_build"}
COMMANDS = ROOT / "bench/cli/commands.py"
FILES = sorted(str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests").rglob("test_*.py"))

FUNCTION_WORDS = """
a an the all another any both each every first last less many more most n next no none only other several some such two
whole it its he she one others nobody nothing something that their these they this those what which who you how if than
then there when where while why above after again and apart as at before below beside between by for from in not of on
or out over so to under until up with within without free full gone known shown told way
"""
"""Words that are not units, even if a function has that name."""

STOP_WORDS = frozenset(FUNCTION_WORDS.split())


def snake_case(name: str) -> str:
    """Return a name in snake case: ``RunFolder`` as ``run_folder``, ``thread-pool`` as ``thread_pool``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|\W+", "_", name).lower().strip("_")


def definitions(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Yield the names of a module's public classes and functions, and of the classes' methods."""
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from definitions([inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt)])
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.startswith(("_", "test_")):
                yield node.name
            if isinstance(node, ast.ClassDef):
                yield from definitions(node.body)


def commands(tree: ast.Module) -> Iterator[str]:
    """Yield the last word of each command in the table of :mod:`bench.cli.commands`, without importing them all."""
    (table,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "COMMANDS"
    )
    assert isinstance(table, ast.Dict)
    for command in map(ast.literal_eval, filter(None, table.keys)):
        yield next(word for word in reversed(command.split()) if not word.startswith("-"))


@functools.cache
def units() -> frozenset[str]:
    """Return the name of each unit, in snake case."""
    names = {
        "noxfile",
        *FOLDERS,
        *MODELS,
        *WORKLOADS,
        *commands(parse(COMMANDS)),
        *definitions(parse(ROOT / "noxfile.py").body),
    }
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*")):
        if NOT_SOURCES.isdisjoint(path.parts) and (path.suffix in {".py", ".js", ".sh", ".md"} or path.is_dir()):
            names.add(path.stem.removeprefix("test_"))
            if path.suffix == ".py":
                names.update(definitions(parse(path).body))
    return frozenset(unit for unit in map(snake_case, names) if not STOP_WORDS.issuperset(unit.split("_")))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), path)


def begins_with_a_unit(name: str) -> bool:
    """Return whether a name begins with a unit, followed by a statement."""
    words = name.split("_")
    return any("_".join(words[:end]) in units() for end in range(1, len(words)))


def misnamed(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each test that does not begin with a unit."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            fine = begins_with_a_unit(node.name.removeprefix("test").removeprefix("_"))
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            fine = snake_case(node.name.removeprefix("Test")) in units()
        else:
            continue
        if not fine:
            yield node.lineno, node.name


@pytest.mark.parametrize("name", FILES)
def test_tests_begin_with_a_unit_that_exists(name: str) -> None:
    wrong = [f"tests/{name}:{line}: {test}" for line, test in misnamed(parse(ROOT / "tests" / name))]
    remedy = "begin it with the snake_case name of a module, class, function, command, model or workload"
    assert not wrong, "\n".join([*wrong, remedy])


@pytest.mark.parametrize(
    "name",
    [
        "test_histogram_merges_exactly",
        "test_run_folder_points_latest_to_the_newest_run",
        "test_thread_pool_serves_one_connection_per_thread",
        "test_sqlite_write_updates_a_file",
        "test_doctor_names_each_problem",
        "test_completion_lists_options",
        "test_seconds_per_request_grows",
        "test_micro_runs",
        "test_bash_completes",
        "test_throughput_draws",
    ],
)
def test_tests_may_be_named(name: str) -> None:
    assert not list(misnamed(ast.parse(f"def {name}(): pass")))


@pytest.mark.parametrize(
    "name",
    [
        "test_it_works",
        "test_a_server_answers",
        "test_every_page_has_a_title",
        "test_within_the_time",
        "test_one_of_two",
        "test_what_is_broken",
        "test_no_such_unit",
        "test_nosuchunit_works",
        "test_histogramme_merges",
        "test_histogram",
        "test_servers",
        "test",
    ],
)
def test_tests_may_not_be_named(name: str) -> None:
    assert list(misnamed(ast.parse(f"\ndef {name}(): pass"))) == [(2, name)]


def test_tests_in_a_class_share_its_unit() -> None:
    good = "class TestRunFolder:\n    def test_is_new(self): pass"
    assert not list(misnamed(ast.parse(good)))
    assert list(misnamed(ast.parse(good.replace("RunFolder", "Everything")))) == [(1, "TestEverything")]
