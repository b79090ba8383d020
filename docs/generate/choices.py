"""Pages of the choices for a run: models, workloads, variants, metrics."""

from __future__ import annotations

import ast

from bench.analysis.metrics import METRICS
from bench.interpreters.variants import ENV, KINDS
from bench.planning.defaults import COMPUTING_CLIENTS
from docs.generate.markdown import code, page, table
from docs.sessions import ROOT
from servers.deployed import DEPLOYED
from servers.models import MODELS
from servers.workloads import WORKLOADS


def models() -> str:
    """Return the page of concurrency models."""
    rows = [
        (
            f"[{code(name)}](../../{_file(f'servers{model.module}')})",
            _describe(f"servers{model.module}"),
            model.shows,
            "yes" if model.pooled else "",
            "yes" if model.to_the_end else "",
            "{}.{}".format(*model.since),
        )
        for name, model in MODELS.items()
    ]
    deployed = [
        (
            f"[{code(name)}](../../{_file(f'servers{model.module}')})",
            model.summary,
            model.interface.upper(),
            ", ".join(map(code, model.packages)),
        )
        for name, model in DEPLOYED.items()
    ]
    return page(
        "Models",
        "What `--servers` takes: the reference servers, a file each. *Shows* is what several clients get of it: "
        "*concurrency*, their waits overlap; *parallelism*, their computing does as well; *neither*. A *pool* has a "
        "fixed number of workers, as many as there are CPUs that the server may use. One that serves *to the end* "
        "lets a client wait during another's: with `--requests-per-connection keep-alive` it takes no more clients "
        "than it has workers.",
        table(("model", "what serves", "shows", "pool", "to the end", "CPython from"), rows),
        "## Servers that people deploy",
        "They serve WSGI or ASGI applications over HTTP/1.1, our own or yours "
        "([Measure deployed servers](../how-to/measure-deployed-servers.md)); `all` does not include them.",
        table(("model", "what serves", "interface", "installed for it"), deployed),
        "What an interpreter cannot run is left out of a run, which says so. [Add a model](../how-to/add-a-model.md).",
    )


def workloads() -> str:
    """Return the page of workloads."""
    rows = [
        (f"[{code(name)}](../../{_file(f'servers{load.module}')})", load.summary, _describe(f"servers{load.module}"))
        for name, load in WORKLOADS.items()
    ]
    numbers = ", ".join(map(str, COMPUTING_CLIENTS))
    return page(
        "Workloads",
        "What `--workloads` takes: what one request costs the server. Work is fixed, not time, so that a faster "
        "interpreter shows; only `io` fixes time.",
        table(("workload", "a request", "what it is for"), rows),
        f"`mixed` is measured with {numbers} clients that let the server compute; `mixed+3` with 3. A function of "
        "yours is a workload, too: [choose a model for your handler](../how-to/choose-a-model.md).",
    )


def variants() -> str:
    """Return the page of variants: changes to an interpreter."""
    rows = [(code(f"+{word}{f'={kind.value}' if kind.value else ''}"), kind.summary) for word, kind in KINDS.items()]
    rows.append((code(f"+{ENV}NAME=VALUE"), "a variable of the environment"))
    return page(
        "Variants",
        "What may stand behind an interpreter's name in `--pythons` (or `--variants`): one thing changed about it, as "
        "`3.14+jit`. The result is an interpreter of its own, compared like any two. Several can follow "
        "one another: `3.14+jit+nogc`.",
        table(("behind the interpreter", "changes"), rows),
        "Before anything is measured each model tells from within a request what interpreter serves it, and if that "
        "is not what was asked for, nothing is measured. (So `subinterpreters` under `3.14+jit` is refused: 3.14 "
        "gives its JIT to the first interpreter of a process only.)",
    )


def metrics() -> str:
    """Return the page of the metrics that are compared."""
    rows = [(code(name), one.title, "more" if one.more else "less") for name, one in METRICS.items()]
    return page(
        "Metrics",
        "What `gilbench compare`, `ratios()` and the page compare between interpreters. "
        "[How](../method.md#interpreters-against-each-other).",
        table(("metric", "title", "better is"), rows),
    )


def _file(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def _describe(module: str) -> str:
    """Return the first paragraph of a module's docstring, without importing the module: it may need a newer Python."""
    source = (ROOT / _file(module)).read_text(encoding="utf-8")
    return " ".join((ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].split())
