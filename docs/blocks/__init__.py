"""The fenced blocks of pages, run and compared with what the pages show.

The words after a fence decide how its block is checked; GitHub and the site use only the first word:

``console``
    commands after ``$``, run in order from the repository's root. The lines below a command must match its output, on
    80 columns and without colour. ``...`` matches anything within a line, or on a line of its own any number of lines.
    A command continues after a backslash and on lines that begin with ``>``. A command that exits with a status other
    than 0 is followed by ``$ echo $?`` and the status.
``console accepted``
    commands that measure or need a server. They are not run, but must be accepted by their parser; the lines below
    show what they once printed.
``sh``
    commands to copy, one per line, which must be accepted by their parser. ``sh then`` is for commands that work only
    after the reader has followed the page; they are not checked.
``python``
    code that is run; the blocks of a page share a namespace. ``python FILE`` is the content of a file that the reader
    creates: it is compiled here, and run by tests that ask for it.
``pycon``
    a doctest in the same namespace.
``diff FILE``
    a change to a file of the project. The lines without ``+`` must occur in it exactly once.
``json``, ``toml``, ``yaml``
    data that must parse.
``text``, ``mermaid``
    text that is only shown.
"""
