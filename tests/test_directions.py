"""Imports, read from the sources; lint checks their directions, which are contracts in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("servers", "loadgen", "bench")
HEAVY = {
    "asyncio",
    "loadgen.engine.openssl",
    "loadgen.protocols.any_line",
    "loadgen.protocols.http1",
    "loadgen.protocols.raw",
    "matplotlib",
    "matplotlib.figure",
    "matplotlib.figure.Figure",
    "matplotlib.backends.backend_agg",
    "pyarrow.parquet",
    "scipy.stats",
}  # may be imported where they are used, since most uses of a module do not need them
OURS = ("servers", "loadgen", "bench", "docs", "tests")


@cache
def sources(package: str) -> list[Path]:
    return list((ROOT / package).rglob("*.py"))


@cache
def parse(path: Path) -> ast.Module:
    """Return a file's syntax tree, in which relative imports, as those of the servers, are absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"), path)
    package = list(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            node.module, node.level = ".".join([*base, *([node.module] if node.module else [])]), 0
    return tree


def imports(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert not node.level, "a relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((name if is_module(name) else node.module, node) for name in whole)


@cache
def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def ours(path: Path) -> list[str]:
    return [name for name, _ in imports(parse(path)) if name.split(".")[0] in OURS]


def test_servers_import_only_the_standard_library() -> None:
    for path in sources("servers"):
        for name, _ in imports(parse(path)):
            top = name.split(".")[0]
            neighbour = (path.parent / f"{top}.py").is_file()  # an application, which a server imports from its folder
            assert top == "servers" or neighbour or top in sys.stdlib_module_names, f"{path} imports {name}"


def test_bench_servers_and_loadgen_have_no_import_cycle() -> None:
    module = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in sources(package)
    }
    arrows = {name: {other for other in ours(path) if other in module} - {name} for name, path in module.items()}
    # A package's __init__ re-exports names of its modules; the modules do not import them from the package.
    while leaves := {name for name, others in arrows.items() if not others}:
        arrows = {name: others - leaves for name, others in arrows.items() if name not in leaves}
    assert not arrows


def test_bench_servers_and_loadgen_import_at_the_top() -> None:
    for package in PACKAGES:
        for path in sources(package):
            tree = parse(path)
            allowed = {id(node) for node in tree.body} | {
                id(inner) for node in tree.body if isinstance(node, ast.If) for inner in ast.walk(node)
            }
            late = [node.lineno for name, node in imports(tree) if id(node) not in allowed and name not in HEAVY]
            assert not late, f"{path}: lines {late}"


def test_bench_servers_and_loadgen_shadow_no_standard_module() -> None:
    # A script that runs in the root, or in a package's folder, would import these instead of the library's own.
    # No script runs in bench/cli, whose files are named after the commands, one of which is profile.
    top = {path.stem for path in (*ROOT.glob("*.py"), *(path for path in ROOT.iterdir() if path.is_dir()))}
    inner = {path.stem for package in PACKAGES for path in sources(package) if path.parent != ROOT / "bench" / "cli"}
    assert len(inner) > 20
    assert not (top | inner) & sys.stdlib_module_names


def test_servers_without_an_event_loop_do_not_import_asyncio() -> None:
    code = (
        "import sys, servers.__main__, servers.models.serial, servers.models.threaded, servers.models.multiprocess\n"
        "import servers.workloads.echo, servers.workloads.io_wait, servers.workloads.cpu\n"
        "sys.exit('asyncio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
