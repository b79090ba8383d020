"""A plain asyncio client: a coroutine and a stream for each connection."""

from __future__ import annotations

import asyncio
import time

from loadgen.peers.drivers.report import HOST, REQUEST, WARMUP_S, Report, nearest_rank, tell


async def _client(port: int, latencies_ns: list[int]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        while True:
            began_ns = time.perf_counter_ns()
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            _, _, rest = head.lower().partition(b"content-length:")
            await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
            latencies_ns.append(time.perf_counter_ns() - began_ns)
    finally:
        writer.close()


async def _measure(port: int, connections: int, seconds: float) -> Report:
    latencies_ns: list[int] = []
    clients = [asyncio.create_task(_client(port, latencies_ns)) for _ in range(connections)]
    await asyncio.sleep(WARMUP_S)
    latencies_ns.clear()
    began_s, cpu_began_s = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    cpu_s, wall_s = time.process_time() - cpu_began_s, time.monotonic() - began_s
    seen = sorted(latencies_ns)
    for client in clients:
        client.cancel()
    for end in await asyncio.gather(*clients, return_exceptions=True):
        if not isinstance(end, asyncio.CancelledError):
            raise SystemExit(f"a request failed: {end!r}")
    return Report(len(seen), wall_s, cpu_s, nearest_rank(seen, 50), nearest_rank(seen, 99))


def drive(port: int, connections: int, seconds: float, rate_rps: float | None) -> Report:  # noqa: ARG001 - no open loop
    """Run the client and return its report."""
    return asyncio.run(_measure(port, connections, seconds))


if __name__ == "__main__":
    tell(drive)
