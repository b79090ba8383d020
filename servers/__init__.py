"""The servers under test: plain, idiomatic, and free of measuring code.

Every server runs under the CPython being measured, so this package needs only the standard library of CPython 3.9 or
later, free-threaded builds included, and imports no other package of the project.

Terms:

model
    how connections are served (:mod:`servers.models`, one file each).
workload
    the work of one request (:mod:`servers.workloads`, one file each).
protocol
    how requests are separated in a stream of bytes (:mod:`servers.framing`).
handler
    a protocol and a workload together: all that a model needs to serve a connection (:mod:`servers.conversation`).
"""
