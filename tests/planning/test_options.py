"""The options of ``gilbench bench``: defaults, values, and errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.errors import GilbenchError
from bench.planning import read_options
from bench.planning.options import OPTIONS
from bench.planning.read_options import read
from bench.planning.run_request import RunRequest
from bench.schema.run_meta import Gap
from servers.deployed import EVERY
from servers.models import MODELS
from servers.workloads import WORKLOADS
from tests.support.interpreters import found


@pytest.fixture(autouse=True)
def interpreters_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find this machine's interpreters once: discovery takes a second and is not tested here."""
    monkeypatch.setattr(read_options, "discover", found)


def typed(**given: str) -> RunRequest:
    words: dict[str, Any] = {name: option.default for name, option in OPTIONS.items()}
    return read(
        words | {"pythons": f"mine={sys.executable}"} | {name.replace("_", "-"): text for name, text in given.items()}
    )


def test_options_default_to_the_plan_of_the_readme() -> None:
    wanted = typed()
    assert wanted.models == ["serial", "threaded", "asyncio", "multiprocess"]
    assert wanted.workloads == ["echo", "io", "cpu"]
    assert wanted.clients == [1, 4, 8]
    assert (wanted.requests_per_connection, wanted.passes, wanted.budget_s) == (10, 3, 180)
    assert wanted.results.name == "results"
    assert len(wanted.cells) == 4 * 3 * 3


def test_options_leave_a_workload_out_that_an_interpreter_has_no_module_for(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    (packages,) = tmp_path.glob("lib/python*/site-packages")
    (packages / "sitecustomize.py").write_text("import sys\nsys.modules['sqlite3'] = None\n", encoding="utf-8")
    wanted = typed(pythons=f"bare={tmp_path}/bin/python,mine={sys.executable}", workloads="echo,sqlite")
    assert [str(gap) for gap in wanted.gaps] == [
        "sqlite under bare needs the module sqlite3, which it was built without"
    ]
    assert {(cell.workload, cell.interpreter) for cell in wanted.cells} == {
        *(("echo", "bare"), ("echo", "mine"), ("sqlite", "mine"))
    }
    with pytest.raises(GilbenchError, match="needs the module sqlite3"):
        typed(pythons=f"bare={tmp_path}/bin/python", workloads="sqlite")


def test_options_take_all_for_everything_that_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for table in (MODELS, EVERY):
        monkeypatch.setitem(table, "threaded", MODELS["threaded"]._replace(since=(3, 99)))
    wanted = typed(servers="all", workloads=" all")
    assert wanted.models == list(MODELS)
    assert list(dict.fromkeys(cell.group.served for cell in wanted.cells)) == list(WORKLOADS)
    assert Gap("mine", "needs CPython 3.99", model="threaded") in wanted.gaps
    assert {cell.model for cell in wanted.cells} == set(MODELS) - {gap.model for gap in wanted.gaps}
    with pytest.raises(GilbenchError, match=r"threaded under mine needs CPython 3\.99"):
        typed(servers="threaded")


def test_options_draw_a_seed_unless_one_is_given() -> None:
    assert typed().seed != typed().seed
    assert typed(seed="0").seed == 0


def test_options_take_the_values_that_are_given() -> None:
    wanted = typed(
        servers="threaded, serial", clients="2,2,16", requests_per_connection="keep-alive", budget="90s", passes="5"
    )
    assert wanted.models == ["threaded", "serial"]
    assert wanted.clients == [2, 16]
    assert (wanted.requests_per_connection, wanted.budget_s, wanted.passes) == (None, 90, 5)
    assert typed(warmup="2s").plan(wanted.cells).warmup_s == 2
    assert [cell.name for cell in wanted.cells[:2]] == ["threaded-echo-2-mine", "threaded-echo-16-mine"]


def test_options_make_windows_short_and_rounds_several_at_a_precision() -> None:
    pair = f"one={sys.executable},two={sys.executable}"
    wanted = typed(pythons=pair, precision="1.5%", baseline="two")
    assert (wanted.precision, wanted.rounds, wanted.window_s, wanted.baseline) == (0.015, 7, 0.1, "two")
    plain = typed(pythons=pair)
    assert (plain.precision, plain.rounds, plain.window_s, plain.baseline) == (None, 1, None, "one")
    with pytest.raises(GilbenchError, match="leave out --passes"):
        typed(pythons=pair, precision="1%", passes="3")


@pytest.mark.parametrize(
    ("option", "text", "says"),
    [
        ("servers", "serial,forked", "'forked' is unknown (did you mean prefork?): choose from serial, threaded"),
        ("servers", " , ", "--servers is empty"),
        ("workloads", "gpu", "choose from echo, io, cpu"),
        ("clients", "0", "use a whole number from 1"),
        ("clients", "1,-2", "use a whole number from 1"),
        ("clients", "1e3", "use a whole number from 1"),
        ("passes", "0", "use a whole number from 1"),
        ("budget", "3 minutes", "use 500ms, 5s, 3m or 1h"),
        ("requests-per-connection", "0", "keep-alive"),
        ("name", "../up", "invalid name"),
        ("seed", "x", "use a whole number from 0"),
        ("pythons", "3.99", "no CPython 3.99 found"),
        ("precision", "2", "use 2%"),
        ("precision", "2%", "needs two interpreters to compare"),
        ("same-within", "-1%", "use 2%"),
        ("window", "1us", "invalid window '1us': use 20ms to 600s"),
        ("rounds", "0", "use a whole number from 1"),
        ("warmup", "long", "use 500ms, 5s, 3m or 1h"),
        ("baseline", "2.7", "choose from mine"),
        ("resume", "/no/such/run", "name a run's folder"),
    ],
)
def test_options_refuse_invalid_values_with_the_remedy(option: str, text: str, says: str) -> None:
    with pytest.raises(GilbenchError) as refused:
        typed(**{option: text})
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert option in {"pythons", "resume"} or str(refused.value).startswith(f"--{option}")
