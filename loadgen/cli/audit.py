"""``gilbench load audit``: check the results of load generators."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from loadgen.audit.checks import Finding, audit
from loadgen.audit.claim import Claim
from loadgen.audit.formats import FORMATS, read_claim
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.errors import InvalidInput

LARGEST = 100 << 20


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench load audit",
        description="Check the results of load generators: which figures cannot all be true, and which say less than "
        f"they seem to. Known are {'; '.join(one.name for one in FORMATS)}.",
        examples=[
            ("wrk -c8 -d10s --latency http://127.0.0.1:8000/ > wrk.txt; gilbench load audit wrk.txt", "one result"),
            ("gilbench load audit published/*.txt --json", "several, for another program"),
        ],
        exits={DONE: "no figures contradict each other", FAILED: "figures of a file cannot all be true"},
    )
    made.add_argument("files", nargs="+", type=Path, metavar="FILE", help="result of a load generator")
    made.add_argument("--json", action="store_true", help="print the findings as JSON")
    return made


def _run(chosen: argparse.Namespace) -> int:
    claims = [(str(path), read_claim(_text(path), str(path))) for path in chosen.files]
    found = [(name, claim, audit(claim)) for name, claim in claims]
    shown = json.dumps([_row(*one) for one in found]) if chosen.json else "\n\n".join(_paragraph(*one) for one in found)
    sys.stdout.write(f"{shown}\n")
    return FAILED if any(one.contradicts for *_, findings in found for one in findings) else DONE


def _row(name: str, claim: Claim, findings: list[Finding]) -> dict[str, object]:
    return {"file": name, "tool": claim.tool, "findings": [one._asdict() for one in findings]}


def _paragraph(name: str, claim: Claim, findings: list[Finding]) -> str:
    count = "" if claim.requests is None else f", {claim.requests:,} requests"
    rate = "" if claim.rate is None else f", {claim.rate.value:,.1f}/s"
    lines = [f"{name}: {claim.tool}{count}{rate}"]
    lines += [f"  {'cannot be' if one.contradicts else 'note'}: {one.says}" for one in findings]
    return "\n".join(lines if findings else [*lines, "  nothing found"])


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST or not path.is_file():
            raise InvalidInput(
                f"{path} is not a file of at most {LARGEST >> 20} MiB: give what the load generator printed"
            )
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is not text: give what the load generator printed") from exc
    except OSError as exc:
        raise InvalidInput(f"cannot read {path}: {exc.strerror}; give a file that can be read") from exc
