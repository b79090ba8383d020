"""Output of a run: on a terminal, in a file, in the log of GitHub Actions.

:mod:`~bench.terminal.console`
    a command's console: its width, its characters, and whether output may be animated.
:mod:`~bench.terminal.progress`, :mod:`~bench.terminal.live_table`
    a run under way.
:mod:`~bench.terminal.estimate`
    a plan before it is run.
:mod:`~bench.terminal.github`
    output that GitHub Actions shows as more than plain lines.
"""
