"""Measure generators side by side, and show and write the results."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from loadgen.cli.exit_codes import DONE, FAILED, INTERRUPTED
from loadgen.cli.outputs import say
from loadgen.errors import GilbenchError, InvalidInput
from loadgen.files import allow_files
from loadgen.peers import plan, plot, servers, table
from loadgen.peers.tools import TOOLS

_RESULTS = Path("results", "peers")


def run(chosen: argparse.Namespace) -> int:
    """Run the command, and return its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the processes that it started, as on Ctrl-C
    absent = {name: why for name, tool in TOOLS.items() if name in chosen.tools and (why := tool.missing())}
    absent |= {name: why for name in chosen.servers if (why := servers.missing(name))}
    tools = [name for name in chosen.tools if name not in absent]
    planned = plan.cells([name for name in chosen.servers if name not in absent], chosen.connections, tools)
    if not planned or not tools:
        raise InvalidInput(f"nothing left to measure: {', '.join(absent.values())}")
    allow_files(max(chosen.connections))
    folder = Path(chosen.output or time.strftime(f"{_RESULTS}/%Y%m%dT%H%M%SZ", time.gmtime()))
    return _measure(chosen, folder, planned, tools, absent)


def _measure(
    chosen: argparse.Namespace, folder: Path, planned: Sequence[plan.Cell], tools: Sequence[str], absent: dict[str, str]
) -> int:
    for why in absent.values():
        say(f"left out: {why}")
    say(f"about {plan.minutes(planned, chosen.rounds, chosen.seconds):.0f} min; results in {folder}")
    versions = {TOOLS[name].title: TOOLS[name].version() for name in tools}
    versions |= {name: servers.version(name) for name in {cell.server for cell in planned}}
    records: list[plan.Record] = []
    code = DONE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "peers.jsonl").open("w", encoding="utf-8") as kept:
            head = {"kind": "run", "seed": chosen.seed, "versions": versions, "absent": absent, "cpus": os.cpu_count()}
            kept.write(json.dumps(head) + "\n")
            try:
                for record in plan.measure(planned, chosen.rounds, chosen.seconds, tools, seed=chosen.seed, tell=say):
                    records.append(record)
                    kept.write(json.dumps(record) + "\n")
                    kept.flush()
            except KeyboardInterrupt:
                say("interrupted: showing what was measured so far")
                code = INTERRUPTED
        text = table.render(records, absent, versions)
        (folder / "peers.md").write_text(text, encoding="utf-8")
        sys.stdout.write(text)
        if any(record["kind"] == "cost" and "error" not in record for record in records):
            for name in ("peers.svg", "peers.png"):
                (folder / name).write_bytes(plot.draw(records, name))
    except OSError as exc:
        raise GilbenchError(
            f"cannot write {folder}: {exc.strerror}; free some space, or choose another --output"
        ) from exc
    return code or (FAILED if any("error" in record for record in records) else DONE)
