"""The servers under test: plain, idiomatic, and free of measuring code.

Every server runs under the CPython being measured, so this package needs nothing but the standard library of
CPython 3.9 or later, free-threaded builds included, and knows no other package of the project.

Words used here:

model
    how connections are served (:mod:`servers.models`, one file each).
workload
    what one request costs (:mod:`servers.workloads`, one file each).
protocol
    how requests are separated in a stream of bytes (:mod:`servers.framing`).
handler
    a protocol and a workload together: all that a model needs to serve a connection (:mod:`servers.conversation`).
"""
