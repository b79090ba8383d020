"""What a run shows of itself: in a terminal, in a file, in the log of GitHub Actions.

:mod:`~bench.terminal.console`
    where a command writes: how wide, in which characters, whether anything may move.
:mod:`~bench.terminal.progress`, :mod:`~bench.terminal.live_table`
    a run under way.
:mod:`~bench.terminal.estimate`
    a plan before it is carried out.
:mod:`~bench.terminal.github`
    what GitHub Actions makes more of than of plain lines.
"""
