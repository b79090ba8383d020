"""Run the notebook on the example run: ``python -m docs.notebook``, or ``nox -s notebook``.

The notebook is stored with its output, so that GitHub and the site show it without running the notebook. Only output is
stored, not when or under which Python it was made: the same run gives the same text.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

NOTEBOOK: Final = Path(__file__).with_name("notebook.ipynb")
TIMEOUT_S: Final = 600
_KERNEL: Final = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def main(argv: list[str] | None = None) -> int:
    """Run the notebook and store its output, or report what would change."""
    parser = argparse.ArgumentParser(prog="python -m docs.notebook", description="Run the notebook on the example run.")
    parser.add_argument("--check", action="store_true", help="keep nothing, fail where its text would change")
    options = parser.parse_args(argv)
    kept = nbformat.read(NOTEBOOK, as_version=4)
    try:
        made = run(kept)
    except CellExecutionError as exc:
        sys.stderr.write(f"{exc}\nerror: a cell of {NOTEBOOK.name} fails: fix it\n")
        return 1
    changed = [was for was, now in zip(outputs(kept), outputs(made), strict=True) if was != now]
    if options.check and changed:
        source, shown = changed[0]
        sys.stderr.write(
            f"{source}\n\n{shown}\nerror: {len(changed)} cells show other text: nox -s notebook renews it\n"
        )
        return 1
    if not options.check:
        nbformat.write(made, NOTEBOOK)
    sys.stdout.write(f"{NOTEBOOK.name}: {len(made.cells)} cells, {len(changed)} changed\n")
    return 0


def run(notebook: Any) -> Any:
    """Return the notebook with the new output of its cells.

    Raises:
        CellExecutionError: a cell fails.
    """
    made = nbformat.from_dict(notebook)
    made.metadata = nbformat.from_dict(_KERNEL)
    where = {"metadata": {"path": str(NOTEBOOK.parent)}}
    sockets = Config({"KernelManager": {"transport_encryption": "auto"}})  # others on the machine cannot read along
    NotebookClient(
        made, timeout=TIMEOUT_S, startup_timeout=TIMEOUT_S, resources=where, record_timing=False, config=sockets
    ).execute()
    made.metadata = nbformat.from_dict(_KERNEL)
    return made


def outputs(notebook: Any) -> Iterator[tuple[str, str]]:
    """Yield each cell's source with its text output, without pictures, which differ with the fonts of a machine."""
    for cell in notebook.cells:
        shown = [output for output in cell.get("outputs", []) if "image/png" not in output.get("data", {})]
        texts = (
            output.get("text") or output["data"].get("text/html") or output["data"]["text/plain"] for output in shown
        )
        yield cell.source, "\n".join(texts)


if __name__ == "__main__":
    sys.exit(main())
