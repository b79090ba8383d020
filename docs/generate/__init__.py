"""The reference: pages generated from the code, and committed so that they can be read without building the site.

``python -m docs.generate`` writes them; ``--check`` reports which are out of date. A page is a row of
:data:`docs.generate.pages.PAGES`: its name, and a function without arguments that returns its Markdown. The text comes
from tables and docstrings in the code that a page describes; this package only lays it out.
"""
