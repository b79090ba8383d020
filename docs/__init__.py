"""The documentation: pages in Markdown, and the programs that build and check them.

page
    a Markdown file for people; what stands in ``reference/`` is written by :mod:`docs.generate` from the code.
block
    a fenced piece of a page that says in its first line what it is; :mod:`docs.blocks` runs and compares them.
site
    all pages as HTML, built by Sphinx with ``conf.py`` and ``_toc.yml``.
"""
