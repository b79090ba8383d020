"""Run ``python launch.py MODEL ...`` from any folder: a server that hides no module of its user's.

The package is loaded under a name that no other package has, and its own folder is not on the import path. So a handler
imports what ``python`` would in the folder where the server was started, a package called ``servers`` included.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path.pop(0)  # this file's folder, before anything is imported

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

NAME = "gilbench_servers"
FOLDER = Path(__file__).parent.absolute()


def load(name: str = NAME) -> ModuleType:
    """Return the package, loaded under this name."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        if spec is None or spec.loader is None:
            raise ImportError("%s has no package" % FOLDER)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


if __name__ == "__main__":
    load()
    importlib.import_module(NAME + ".__main__").main()
