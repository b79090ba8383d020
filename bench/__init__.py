"""The experiment: the interpreters, the order of measurements, and one record per window.

Terms, and the modules that define them:

interpreter
    a CPython that is measured (:mod:`bench.interpreters.discovery`).
cell
    model × workload × clients × interpreter: the subject of one measurement (:mod:`bench.schema.plan`).
window
    one measured interval of load on a cell, after warm-up (:mod:`bench.runner.window`).
pass
    one visit to every cell, in random order, with new servers (:mod:`bench.schema.plan`).
run
    a folder of records, with the plan, machine and builds that they came from (:mod:`bench.schema.run_folder`).
record
    the result of one window; the type that all other parts exchange (:mod:`bench.schema.record`).
effective cores
    CPU-seconds of the server's process tree per second of wall time: 1.0 is concurrency only, more is parallelism.
"""

VERSION = "0.1.0"
