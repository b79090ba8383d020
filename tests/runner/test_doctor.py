"""Findings of the doctor on synthetic machines and on this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import commands
from bench.runner import host_checks as doctor
from bench.runner.host_checks import CHECKS, SystemFiles

NOISY = {
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0",
    "sys/devices/system/cpu/smt/active": "1",
    "sys/fs/cgroup/above/cpu.max": "150000 100000",
    "sys/fs/cgroup/above/cpu.stat": "nr_periods 421\nnr_throttled 409",
    "sys/fs/cgroup/above/here/cpu.max": "max 100000",
    "proc/self/cgroup": "0::/above/here",
    "proc/self/mountinfo": "30 24 0:26 / {}/sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw",
    "proc/cpuinfo": "flags : fpu hypervisor lahf_lm",
    "proc/sys/kernel/randomize_va_space": "2",
}
QUIET = {
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "1",
    "sys/devices/system/cpu/smt/active": "0",
    "sys/devices/system/cpu/isolated": "2-3",
    "sys/fs/cgroup/here/cpu.max": "max 100000",
    "proc/self/cgroup": "0::/here",
    "proc/self/mountinfo": "30 24 0:26 / {}/sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw",
    "proc/cpuinfo": "flags : fpu lahf_lm",
    "proc/sys/kernel/randomize_va_space": "0",
    "proc/self/syscall": "running",
}
CHECKED = [doctor.governor, doctor.turbo, doctor.smt, doctor.quota, doctor.virtual, doctor.layout]


def machine(folder: Path, files: dict[str, str]) -> SystemFiles:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(folder) + "\n", encoding="utf-8")
    return SystemFiles(folder / "sys", folder / "proc")


@pytest.mark.parametrize("check", CHECKED)
def test_doctor_names_cost_and_remedy_of_a_finding(tmp_path: Path, check: object) -> None:
    assert callable(check)
    found = check(machine(tmp_path, NOISY))
    assert found.found
    assert found.costs
    assert found.remedy


@pytest.mark.parametrize("check", [*CHECKED, doctor.isolated, doctor.thread_accounting])
def test_doctor_names_no_cost_of_what_is_right(tmp_path: Path, check: object) -> None:
    assert callable(check)
    found = check(machine(tmp_path, QUIET))
    assert found.found
    assert not found.costs


@pytest.mark.parametrize("check", CHECKED)
def test_doctor_does_not_fault_what_the_system_does_not_report(tmp_path: Path, check: object) -> None:
    assert callable(check)
    assert check(machine(tmp_path, {}))[1:3] == (None, "")


def test_doctor_reports_a_quota_in_cpus(tmp_path: Path) -> None:
    assert doctor.quota(machine(tmp_path, NOISY)).found == "1.5 CPUs, used up 409 times"


def test_doctor_checks_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["doctor", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(CHECKS)
    assert all(bool(row["costs"]) == bool(row["remedy"]) for row in rows)
    assert commands.main(["doctor"]) == 0
    assert "CPUs for this process" in capsys.readouterr().out
