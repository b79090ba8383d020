"""The fenced blocks of pages: run, and compared with what the pages show.

What is done with a block is decided by the words behind its fence, of which GitHub and the site show the first alone:

``console``
    commands behind ``$``, run one after another from the repository's root; what they print, on 80 columns and
    without colour, is what stands below each. ``...`` stands for anything within a line, or alone for any number of
    lines. A command goes on behind a backslash, and in lines that begin with ``>``. One that ends with another status
    than 0 is followed by ``$ echo $?`` and the number.
``console accepted``
    commands that measure, or need a server. Each is given to its own parser, and what is shown below it is what it
    printed once.
``sh``
    commands to copy, one a line: accepted by their parser. ``sh then`` are those that work once a reader has done what
    the page says.
``python``
    run; all of a page share a namespace. ``python FILE`` is what stands in a file of the reader's: compiled here, and
    run by a test that asks for it.
``pycon``
    a doctest in the same namespace.
``diff FILE``
    a change of a file of the project, whose lines without ``+`` stand there once.
``json``, ``toml``, ``yaml``
    data that can be read.
``text``, ``mermaid``
    shown.
"""
