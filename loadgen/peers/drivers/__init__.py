"""One generator a file: ``python -m loadgen.peers.drivers.NAME PORT CONNECTIONS SECONDS [RATE]``.

Each puts a closed loop of HTTP requests (with RATE, if it can, an open loop) on ``127.0.0.1:PORT``, and prints one line
of JSON, :class:`loadgen.peers.drivers.report.Report`.
"""
