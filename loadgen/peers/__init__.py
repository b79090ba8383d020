"""The instrument against its peers: the same load, by each generator in turn, on the same servers.

``gilbench peers`` runs it. Every generator is a process of its own (:mod:`loadgen.peers.drivers`), as are the servers
(:mod:`loadgen.peers.servers`); rounds are interleaved, and what is compared is compared within a round.
"""
