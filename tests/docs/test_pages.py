"""Pages of the documentation: blocks of code, links, headings, and the reference generated from the code."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bench.cli.commands import COMMANDS
from bench.schema.layout import DRAWN, MEASURED, PROFILE
from bench.schema.warning_codes import RUN_WARNINGS, WINDOW_WARNINGS
from docs.blocks.checks import check
from docs.blocks.console import agrees, steps, text
from docs.blocks.page import Page
from docs.blocks.shell import Shell
from docs.generate.__main__ import find_outdated
from docs.sessions import ROOT, sessions
from loadgen.validation import checks as belief
from loadgen.validation.warning_codes import WARNING_CODES

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "results/README.md", "docs/*.md", "docs/[!_]*/**/*.md")
    for path in ROOT.glob(pattern)
)
by_page = pytest.mark.parametrize("name", PAGES)


@by_page
def test_blocks_do_what_their_page_says(name: str) -> None:
    page = Page(ROOT / name)
    wrong = [f"{name}:{block.line}: {verdict.wrong}" for block in page.blocks if (verdict := check(page, block)).wrong]
    assert not wrong, "\n".join([*wrong, "", f"if what was printed is right: python -m docs.blocks --write {name}"])


@by_page
def test_docs_links_lead_to_existing_targets(name: str) -> None:
    broken = [link for link in links(ROOT / name) if not resolves(ROOT / name, link)]
    assert not broken


@by_page
def test_docs_headings_go_down_by_one_level(name: str) -> None:
    levels = [int(token.tag[1:]) for token in tokens(ROOT / name) if token.type == "heading_open"]
    assert levels.count(1) == 1, "a page has one title"
    assert levels[0] == 1
    assert all(lower - upper <= 1 for upper, lower in pairwise(levels))


def test_generate_finds_the_reference_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("GILBENCH_RESULTS", raising=False)
    assert list(find_outdated()) == [], "nox -s docs writes it"


def test_docs_table_of_contents_lists_each_page() -> None:
    placed = set(_files(yaml.safe_load((ROOT / "docs/_toc.yml").read_text(encoding="utf-8"))))
    assert {page.removesuffix(".md") for page in PAGES} - {"README"} <= placed
    assert all(list(ROOT.glob(f"{page}.*")) for page in placed), "a place without a page"


def _files(entry: object) -> Iterator[str]:
    if isinstance(entry, dict):
        yield from (str(value) for key, value in entry.items() if key in {"file", "root"})
        yield from (name for value in entry.values() for name in _files(value))
    elif isinstance(entry, list):
        yield from (name for value in entry for name in _files(value))


# Links.


@cache
def tokens(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))


def links(path: Path) -> Iterator[str]:
    for token in tokens(path):
        for inner in token.children or ():
            yield from (str(value) for key, value in inner.attrs.items() if key in {"href", "src"})


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors that GitHub makes from the headings."""
    found: Counter[str] = Counter()
    names = set()
    whole = tokens(path)
    for heading, inline in pairwise(whole):
        if heading.type == "heading_open":
            shown = "".join(token.content for token in inline.children or () if token.type in {"text", "code_inline"})
            slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
            names.add(f"{slug}-{found[slug]}" if found[slug] else slug)
            found[slug] += 1
    return frozenset(names)


def resolves(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme == "https" and re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc) is not None
    interpreter = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if interpreter not in in_a_clone():
        return False
    return not parts.fragment or (interpreter.suffix == ".md" and parts.fragment in anchors(interpreter))


@cache
def in_a_clone() -> frozenset[Path]:
    """Return the files and folders of this repository that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [file for name in listed.split("\0") if name and (file := ROOT / name).exists()]
    return frozenset(path for file in files for path in (file, *file.parents) if path.is_relative_to(ROOT))


def test_docs_link_check_detects_a_broken_link(tmp_path: Path) -> None:
    page = ROOT / "docs" / "method.md"
    assert resolves(page, "method.md#load")
    assert resolves(page, "#load")
    assert resolves(page, "../results/README.md")
    assert not resolves(page, "method.md#lod")
    assert not resolves(page, "methods.md")
    assert not resolves(page, "https://example")
    assert not resolves(page, str(tmp_path))
    assert not resolves(page, "../.nox")


# Blocks.


def write_page(tmp_path: Path, written: str) -> Page:
    path = tmp_path / "page.md"
    path.write_text(written, encoding="utf-8")
    return Page(path)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("```\nx\n```", "nothing is no kind of block"),
        ("```consol\n$ true\n```", "consol is no kind of block"),
        ("```console acepted\n$ true\n```", "console acepted is no kind of block"),
        ("```console\n$ echo one\ntwo\n```", "printed:\none"),
        ("```console\nls\n```", "stands before the first"),
        ("```console\n$ false\n```", "ended with 1, which the page does not show"),
        ("```console\n$ nox -s compare -- nowhere\n...\n```", "ended with 2, which the page does not show"),
        ("```console accepted\n$ nox -s bench -- --servers thraeded\n```", "did you mean threaded"),
        ("```sh\nnox -s bench -- --clients none\n```", "invalid number 'none'"),
        ("```sh\nnox -s bench -- --precison 1%\n```", "--precison"),
        ("```sh\nnox -s bench -- --pythons 3.14+jet\n```", "+jet"),
        ("```sh\nnox -s compare -- results/example --fail-slower 5\n```", "5%"),
        ("```sh\nnox -s compair\n```", "compair: no session"),
        ("```sh\nls && frobnicate\n```", "frobnicate is no program"),
        ("```sh\npython -m loadgen 127.0.0.1:9000 --plot x.gif\n```", "gif"),
        ("```python x.py\ndef\n```", "it cannot be read"),
        ("```pycon\n>>> 1 + 1\n3\n```", "Got:\n    2"),
        ("```json\n{\n```", "it cannot be read"),
        ("```diff servers/models/__init__.py\n no such line\n+x\n```", "does not stand once"),
    ],
)
def test_check_reports_a_wrong_block(tmp_path: Path, written: str, says: str) -> None:
    page = write_page(tmp_path, written)
    assert says in check(page, page.blocks[0]).wrong


@pytest.mark.parametrize(
    "written",
    [
        "```console\n$ echo one; echo two\none\n...\n$ exit 3\n$ echo $?\n3\n```",
        "```console\n$ python -c '\n> print(40 + 2)\n> ' | tr 4 5\n52\n```",
        "```console\n$ nox -s compare -- nowhere\n...nowhere is not a folder...\n$ echo $?\n2\n```",
        "```console accepted\n$ nox -s bench -- --pythons 3.14,3.14+jit -k 'threaded and cpu'\nwhatever\n```",
        "```sh\n# all of it\nnox -s bench -- --workload ./shop.py:price \\\n  --budget 5m\n```",
        "```sh\ngilbench account PID && nox -s watch -- PID\n```",
        "1. a list\n\n   ```json\n   {}\n   ```",
        "```diff servers/models/__init__.py\n MODELS = {\n+# a row\n```",
    ],
)
def test_check_accepts_a_right_block(tmp_path: Path, written: str) -> None:
    page = write_page(tmp_path, written)
    assert [check(page, block).wrong for block in page.blocks] == [""]


def test_page_shares_a_namespace_between_its_blocks(tmp_path: Path) -> None:
    page = write_page(
        tmp_path, "```python\nx = 1\n```\n\n```pycon\n>>> x += 1\n>>> x\n2\n```\n\n```python\nassert x == 2\n```"
    )
    assert [check(page, block).wrong for block in page.blocks] == ["", "", ""]
    with pytest.raises(AssertionError):
        check(page, write_page(tmp_path, "```python\nassert x == 3\n```").blocks[0])


def test_check_returns_the_corrected_block(tmp_path: Path) -> None:
    page = write_page(tmp_path, "# t\n\n```console\n$ echo one\ntwo\n$ echo two \\\n> | cat\n...\n```\n")
    verdict = check(page, page.blocks[0])
    assert verdict.fixed == "$ echo one\none\n$ echo two \\\n> | cat\n...\n"
    place = page.blocks[0].place
    assert place is not None
    assert page.text[place] == page.blocks[0].source


def test_agrees_takes_dots_for_anything() -> None:
    assert agrees("a ... c", "a b c  \n")
    assert agrees("a\n...\nd", "\na\nb\nc\nd\n\n")
    assert agrees("...", "")
    assert not agrees("a ... c", "a\nc")
    assert not agrees("a.c", "abc")
    assert text(steps("$ a\nb\n$ c\n")) == "$ a\nb\n$ c\n"


def test_shell_returns_the_output_of_processes_in_order() -> None:
    shell = Shell()
    program = 'import subprocess; print(1, flush=True); subprocess.run(["echo", "2"]); print(3)'
    assert shell.run(f"python -c '{program}'") == "1\n2\n3\n"
    assert shell.status == 0


# Tables from which the reference is generated.


def test_checks_give_each_code_a_meaning_and_a_remedy() -> None:
    assert set(belief.CHECKS) == set(WARNING_CODES)
    measuring = [path for path in (ROOT / "bench").rglob("*.py") if "analysis" not in path.parts]
    sources = "".join(path.read_text(encoding="utf-8") for path in measuring)
    said = set(re.findall(r'"code": "(\w+)"', sources))
    assert said
    assert said <= set(WINDOW_WARNINGS)
    collect_warnings = (ROOT / "bench/narrative/run_warnings.py").read_text(encoding="utf-8")
    assert set(re.findall(r'WarningSummary\(\s*"(\w+)"', collect_warnings)) == set(RUN_WARNINGS)


def test_layout_documents_each_file_of_a_run() -> None:
    shown = [pattern.strip() for table in (MEASURED, DRAWN) for names in table for pattern in names.split(",")]
    for path in (ROOT / "results/example").rglob("*"):
        name = path.relative_to(ROOT / "results/example")
        assert path.is_dir() or any(name.match(p) or p.startswith(f"{name.parts[0]}/") for p in shown), name
    parts = [re.sub("KIND|[AB]", "*", part.strip()) for names in PROFILE for part in names.split(",")]
    for path in (ROOT / "results/example/profile").glob("*/*"):
        assert any(path.match(part) for part in parts), path


def test_example_is_small_enough_for_a_clone() -> None:
    sizes = {path: path.stat().st_size for path in (ROOT / "results/example").rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 5.5e6
    assert sizes[ROOT / "results/example/report.html"] < 3e6


def read_json(path: Path) -> dict[str, dict[str, dict[str, object]]]:
    found: dict[str, dict[str, dict[str, object]]] = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
    return found


def test_sessions_equal_those_of_nox() -> None:
    known = sessions()
    assert known["compare"].command
    assert not known["tests"].command
    assert all(session.summary for session in known.values())
    source = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert set(known) == {*COMMANDS, *re.findall(r"^def ([a-z]\w+)\(session", source, re.MULTILINE)}
