"""The documentation: Markdown pages, and the programs that build and check them.

page
    a Markdown file for people; :mod:`docs.generate` writes those in ``reference/`` from the code.
block
    a fenced part of a page, whose first line names its kind; :mod:`docs.blocks` runs blocks and compares their output.
site
    all pages as HTML, built by Sphinx with ``conf.py`` and ``_toc.yml``.
"""
