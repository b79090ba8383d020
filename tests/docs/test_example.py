"""Making a measured run the committed example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.example import main
from tests.support.made import Made


@pytest.mark.parametrize("between", ["=", " "])
def test_example_names_no_path_of_the_machine_it_was_measured_on(tmp_path: Path, between: str) -> None:
    command = f"nox -s bench -- --clients=8 --results{between}{tmp_path}/results --name=example"
    build = {"executable": f"{tmp_path}/builds/3.13/bin/python3.13"}
    made = Made(models=("serial",), workloads=("io",), clients=(8,), interpreters=("3.13",))
    made.meta = {"command": command, "interpreters": {"3.13": build}}
    run = made.write(tmp_path / "results" / "run")
    assert main([str(run), str(tmp_path / "example")]) == 0
    copied = (tmp_path / "example" / "run.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in copied
    assert json.loads(copied)["command"] == "nox -s bench -- --clients=8 --name=example"
