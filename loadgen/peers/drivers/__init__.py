"""The drivers of generators, one per file: ``python -m loadgen.peers.drivers.NAME PORT CONNECTIONS SECONDS [RATE]``.

Each puts a closed loop of HTTP requests (with RATE, an open loop if it has one; with an s before PORT, over HTTPS) on
``127.0.0.1:PORT`` and prints a
:class:`loadgen.peers.drivers.report.Report` as one line of JSON.
"""
