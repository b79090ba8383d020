"""Glossary: the one definition of each term, for the page and the documentation."""

from __future__ import annotations

from typing import Final

GLOSSARY: Final = {
    "model": "A concurrency model: what a server does with several clients, such as a thread or a process for each.",
    "workload": "What one request makes the server do: wait, compute, hash, or a handler of your own.",
    "interpreter": "A CPython under which servers run; the load generator always runs under the same other one.",
    "cell": "One model with one workload and number of clients under one interpreter: what has a figure.",
    "window": "A short interval in which one cell is measured.",
    "pass": "One visit of every cell, in random order, with servers launched anew.",
    "launch": "One start of a server process: the unit of the statistics, as no two are laid out alike in memory.",
    "run": "All windows of one command, kept in one folder.",
    "record": "One window as a line of JSON: its figures, and what spoiled them.",
    "concurrency": "While one request waits, others go on.",
    "parallelism": "Several requests compute at the same instant.",
    "speed-up": "Throughput as a multiple of serial's: same clients, same interpreter, same pass.",
    "effective cores": "CPU-seconds that the server used per second: above 1, it computed on several CPUs at once.",
    "requests per connection": "How many requests a client sends before it connects again.",
    "closed loop": "Each client sends its next request when the last is answered, so a slow server is asked less.",
    "open loop": "Requests are sent at times planned beforehand, however slow the server is.",
    "coordinated omission": "Requests that are not sent while a server stalls, and so are missing from its latencies.",
    "p99": "The latency that 99% of the requests stay below.",
    "GIL": "The global interpreter lock: only the thread that holds it runs Python code. Builds named t have none.",
    "GIL wait": "Share of the threads' time spent waiting for the global interpreter lock.",
    "run queue": "Share of the threads' time spent ready to run, waiting for a CPU.",
    "lock wait": "Share of the threads' time spent waiting for a lock other than the GIL.",
    "blocked": "Share of the threads' time spent in I/O, in a sleep, or waiting for another service.",
    "idle": "Share of the threads' time in which there was nothing to do.",
    "paired ratio": "A ratio of windows measured in the same round or pass, in which drift of the machine cancels.",
    "confidence interval": "The range that holds the true value in 95 of 100 such runs.",
    "disturbed": "Something else may have changed the figures: steal, throttling, or programs that took the CPUs.",
    "same": "The whole interval lies so close to 1 that a difference would not matter.",
    "not enough data": "The interval holds both no difference and one that matters: measure longer.",
}
"""Definitions by term, one sentence each."""
