"""How Sphinx builds the site: ``nox -s docs``.

Its source is the repository's root, not this folder: so the links and pictures of pages work on GitHub and in the site
alike, also to ``results/`` and ``CONTRIBUTING.md``. Nothing is fetched, and no page runs code.
"""

from __future__ import annotations

import re

from docutils.nodes import Element
from pygments.lexers.shell import BashSessionLexer
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project = "gilbench"
author = "the gilbench contributors"
project_copyright = author

extensions = ["myst_nb", "sphinx_external_toc"]
include_patterns = [
    "docs/**",
    "results/README.md",
    "results/peers/example/*",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = [
    "docs/_build",
    "docs/**/__pycache__",
    "**/.*",
    "bench",
    "loadgen",
    "servers",
    "tests",
    "results/runs",
    "results/latest",
]
external_toc_path = "docs/_toc.yml"
nb_execution_mode = "off"  # notebooks are kept with what they printed, and run by a test

myst_heading_anchors = 4  # as on GitHub
myst_links_external_new_tab = False
smartquotes = False  # an option begins with two hyphens

html_theme = "furo"
html_title = "gilbench"
html_static_path = ["site"]
html_css_files = ["gilbench.css"]
html_extra_path = ["site/root"]  # index.html, which leads to that of the pages
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


class Console(BashSessionLexer):
    """Knows our prompts alone: a program goes on behind ``>``, and nothing in brackets is an environment's name."""

    _bare_continuation = True
    _ps1rgx = re.compile(r"^(\$ )(.*\n?)")
    _venv = re.compile(r"(?!)")


class Translator(HTML5Translator):
    """Lets links to files that are no pages open them: a run's page is to be looked at, not to be stored."""

    def visit_download_reference(self, node: Element) -> None:
        super().visit_download_reference(node)
        self.body[-1] = self.body[-1].replace(' download=""', "")


def setup(app: Sphinx) -> None:
    """Register both."""
    app.add_lexer("console", Console)
    app.set_translator("html", Translator)
