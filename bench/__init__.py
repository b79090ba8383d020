"""The experiment: which interpreters there are, what is measured in which order, and one record per window.

The words, and the files that give them a meaning:

interpreter
    an interpreter to measure (:mod:`bench.interpreters.discovery`).
cell
    model × workload × clients × interpreter: what one measurement is of (:mod:`bench.schema.plan`).
window
    one measured interval of load on a cell, after warm-up (:mod:`bench.runner.window`).
pass
    one visit to every cell, in random order, with new servers (:mod:`bench.schema.plan`).
run
    a folder of records with the plan, the machine and the builds they came from (:mod:`bench.schema.run_folder`).
record
    what one window measured; the hub of the whole project (:mod:`bench.schema.record`).
effective cores
    CPU-seconds of the server's process tree per second of wall time: 1.0 is concurrency only, more is parallelism.
"""

VERSION = "0.1.0"
