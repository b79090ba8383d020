"""Comparison of the load generator with its peers: each in turn puts the same load on the same servers.

``gilbench peers`` runs it. Every generator (:mod:`loadgen.peers.drivers`) and every server
(:mod:`loadgen.peers.servers`) is a separate process; rounds are interleaved, and figures are compared within a round.
"""
