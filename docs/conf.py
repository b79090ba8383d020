"""Sphinx configuration of the site, which ``nox -s docs`` builds.

The source is the repository's root, not this folder, so that links and pictures, also those to ``results/`` and
``CONTRIBUTING.md``, work both on GitHub and on the site. Nothing is fetched, and no page runs code.
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

extensions = ["myst_nb", "sphinx_copybutton", "sphinx_external_toc"]
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
nb_execution_mode = "off"  # notebooks are stored with their output, and run by a test

myst_heading_anchors = 4  # as on GitHub
myst_links_external_new_tab = False
smartquotes = False  # options begin with two hyphens

copybutton_prompt_text = r"\$ |> "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True  # not the output

html_theme = "furo"
html_title = "gilbench"
html_static_path = ["site"]
html_css_files = ["gilbench.css"]
html_extra_path = ["site/root"]  # index.html, which redirects to docs/index.html
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


class Console(BashSessionLexer):
    """Lexer that knows only our prompts: ``>`` continues a program, and brackets are not an environment's name."""

    _bare_continuation = True
    _ps1rgx = re.compile(r"^(\$ )(.*\n?)")
    _venv = re.compile(r"(?!)")


class Translator(HTML5Translator):
    """Translator whose links to files open them instead of downloading them, so that a run's page can be viewed."""

    def visit_download_reference(self, node: Element) -> None:
        super().visit_download_reference(node)
        self.body[-1] = self.body[-1].replace(' download=""', "")


def setup(app: Sphinx) -> None:
    """Register the lexer and the translator."""
    app.add_lexer("console", Console)
    app.set_translator("html", Translator)
