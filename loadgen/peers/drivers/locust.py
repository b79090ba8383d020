"""Locust (https://locust.io): its FastHttpUser, run as a library without the web page."""

from __future__ import annotations

import time

import gevent
from locust import FastHttpUser, task
from locust.env import Environment

from loadgen.peers.drivers.report import HOST, WARMUP_S, Report, tell


class _User(FastHttpUser):
    """User that sends its next request as soon as the previous one is answered."""

    @task
    def get(self) -> None:
        """Send one request."""
        self.client.get("/")


def drive(port: int, connections: int, seconds: float, rate_rps: float | None) -> Report:  # noqa: ARG001 - no open loop
    """Measure once every user has been started, and return the report."""
    environment = Environment(user_classes=[_User], host=f"http://{HOST}:{port}")
    runner = environment.create_local_runner()
    runner.start(connections, spawn_rate=connections)
    while runner.user_count < connections:
        gevent.sleep(0.05)
    gevent.sleep(WARMUP_S)
    environment.stats.reset_all()
    began_s, cpu_began_s = time.monotonic(), time.process_time()
    gevent.sleep(seconds)
    cpu_s, wall_s = time.process_time() - cpu_began_s, time.monotonic() - began_s
    total = environment.stats.total
    p50_ms, p99_ms = (total.get_response_time_percentile(share) for share in (0.5, 0.99))
    requests, failures = total.num_requests, total.num_failures
    runner.quit()
    if failures:
        raise SystemExit(f"{failures} requests failed")
    return Report(requests, wall_s, cpu_s, p50_ms * 1e6, p99_ms * 1e6)


if __name__ == "__main__":
    tell(drive)
