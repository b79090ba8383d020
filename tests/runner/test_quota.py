"""CPU quotas: read from made files of both versions of control groups, and used up for real where root may make one."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.interpreters import affinity
from loadgen.host.cgroup import CpuQuota, read_quota
from tests.support.control_groups import control_group

V1 = "33 24 0:29 {root} {mount} rw - cgroup cgroup rw,cpu,cpuacct"
V2 = "30 24 0:26 {root} {mount} rw - cgroup2 cgroup2 rw"


def made(folder: Path, groups: str, mount: str, files: dict[str, str], root: str = "/") -> Path:
    for name, text in {
        "proc/self/cgroup": groups,
        "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        + mount.format(mount=folder / "group", root=root),
        **{f"group/{name}": text for name, text in files.items()},
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return folder / "proc"


def test_quota_of_version_2_is_the_smallest_of_a_group_and_those_above_it(tmp_path: Path) -> None:
    files = {
        "a/cpu.max": "50000 100000",
        "a/cpu.stat": "usage_usec 7\nnr_throttled 3",
        "a/b/cpu.max": "200000 100000",
        "a/b/cpu.stat": "nr_throttled 1",
        "a/b/c/cpu.max": "max 100000",
    }
    assert read_quota(made(tmp_path, "0::/a/b/c", V2, files)) == CpuQuota(0.5, 4)


def test_quota_of_version_1_is_read_from_the_cpu_controller(tmp_path: Path) -> None:
    files = {
        "cpu.cfs_quota_us": "-1",
        "cpu.cfs_period_us": "100000",
        "a/cpu.cfs_quota_us": "25000",
        "a/cpu.cfs_period_us": "10000",
        "a/cpu.stat": "nr_periods 9\nnr_throttled 5\nthrottled_time 100",
    }
    groups = "4:memory:/elsewhere\n2:cpu,cpuacct:/a\n0::/"
    assert read_quota(made(tmp_path, groups, V1, files)) == CpuQuota(2.5, 5)


def test_quota_in_a_container_counts_paths_from_what_is_mounted(tmp_path: Path) -> None:
    files = {"cpu.max": "100000 100000", "cpu.stat": "nr_throttled 2"}
    proc = made(tmp_path, "0::/docker/0123", V2, files, root="/docker/0123")
    assert read_quota(proc) == CpuQuota(1.0, 2)


def test_quota_is_unknown_where_the_system_shows_no_groups(tmp_path: Path) -> None:
    assert read_quota(tmp_path) is None
    assert read_quota(made(tmp_path, "0::/", V2, {"cgroup.procs": ""})) == CpuQuota(math.inf, 0)


@pytest.mark.parametrize(
    ("quota", "pinned_to", "size"), [(None, None, 8), (0.5, None, 1), (2.5, None, 3), (math.inf, 4, 4), (2.0, 4, 2)]
)
def test_pool_size_is_no_more_than_a_quota_keeps_busy(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, pinned_to: int | None, size: int
) -> None:
    monkeypatch.setattr(affinity, "available_cpus", lambda: tuple(range(8)))
    monkeypatch.setattr(affinity, "read_quota", lambda: None if quota is None else CpuQuota(quota, 0))
    assert affinity.pool_size(pinned_to) == size


@contextlib.contextmanager
def group(cpus: float) -> Iterator[Path]:
    """Make a control group with a quota, and yield the file that processes are put into it by."""
    with control_group("cpu") as (folder, first_version):
        try:
            if first_version:
                (folder / "cpu.cfs_quota_us").write_text(str(int(cpus * 100_000)))
            else:
                (folder / "cpu.max").write_text(f"{int(cpus * 100_000)} 100000")
        except (FileNotFoundError, PermissionError) as exc:
            pytest.skip(f"control groups have no quota here: {exc}")
        yield folder / "cgroup.procs"


def test_bench_in_a_group_with_half_a_cpu_warns_and_concludes_nothing_of_computing(tmp_path: Path) -> None:
    options = ("--servers=serial,threaded", "--workloads=cpu", "--clients=4", "--passes=1", "--window=200ms")
    command = [
        *(sys.executable, "-m", "bench", "bench", f"--pythons=own={sys.executable}", f"--results={tmp_path}"),
        *(*options, "--budget=60s"),
    ]
    with group(0.5) as processes:
        done = subprocess.run(
            ["/bin/sh", "-c", f'echo $$ > {processes} && exec "$@"', "sh", *command],
            env=os.environ | {"TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads((tmp_path / "latest/run.json").read_text(encoding="utf-8"))
    assert run["machine"]["cpu_quota"] == 0.5
    records = (tmp_path / "latest/records.jsonl").read_text(encoding="utf-8").splitlines()
    codes = {warning["code"] for record in map(json.loads, records) for warning in record["warnings"]}
    assert "cpu_quota" in codes
    assert "does not overlap" not in done.stdout
    assert "CPU quota stopped server and load generator" in " ".join(done.stdout.split())
