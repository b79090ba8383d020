"""The reference: pages written from the code, kept with it so that they can be read where the site is not built.

``python -m docs.generate`` writes them, ``--check`` says which are out of date. A page is a row of
:data:`docs.generate.pages.PAGES`: its name, and a function without arguments that returns its Markdown. What the
pages say is in the code that they speak of, in tables and docstrings; here it is only laid out.
"""
