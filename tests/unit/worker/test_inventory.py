"""What the machine has, by files as Linux writes them."""

import os
from pathlib import Path

import pytest

from torchyard_worker import inventory

CORES = len(os.sched_getaffinity(0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "proc/meminfo", "MemTotal:        8388608 kB\nMemFree:  1 kB\n")
    write(tmp_path, "proc/self/cgroup", "0::/\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_without_limits_it_is_the_machine_s(root: Path) -> None:
    assert inventory.cpus(root) == CORES
    assert inventory.memory_mb(root) == 8192


def test_limits_of_cgroup_2_count_wherever_they_are_set(root: Path) -> None:
    write(root, "proc/self/cgroup", "0::/outer/inner\n")
    write(root, "sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n")
    write(root, "sys/fs/cgroup/outer/cpu.max", "50000 100000\n")
    write(root, "sys/fs/cgroup/outer/inner/memory.max", "max\n")
    write(root, "sys/fs/cgroup/outer/memory.max", str(2**30))

    assert inventory.cpus(root) == 1
    assert inventory.memory_mb(root) == 1024


def test_limits_of_cgroup_1_count(root: Path) -> None:
    write(root, "proc/self/cgroup", "4:cpu,cpuacct:/job\n7:memory:/job\n2:pids:/other\n0::/\n")
    write(root, "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "100000\n")
    write(root, "sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n")
    write(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    write(root, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", str(512 * 2**20))
    write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")

    assert inventory.cpus(root) == 1
    assert inventory.memory_mb(root) == 512


def test_a_path_of_the_host_s_falls_back_to_what_is_to_be_seen(root: Path) -> None:
    write(root, "proc/self/cgroup", "0::/docker/0123\n")
    write(root, "sys/fs/cgroup/memory.max", str(2**29))

    assert inventory.memory_mb(root) == 512


def test_this_machine_has_something() -> None:
    assert 1 <= inventory.cpus() <= CORES
    assert inventory.memory_mb() > 64


def test_no_gpus_are_offered_if_none_are_wanted() -> None:
    assert inventory.gpus("none") == []


def test_unknown_gpus_are_not_offered() -> None:
    assert inventory.gpus("GPU-00000000-0000-0000-0000-000000000000") == []


@pytest.mark.gpu
@pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="no NVIDIA driver")
def test_gpus_are_told_as_nvml_names_them() -> None:
    found = inventory.gpus()

    assert found
    assert all(gpu.uuid.startswith(("GPU-", "MIG-")) and gpu.model and gpu.memory_mb > 1000 for gpu in found)
    assert inventory.gpus(found[0].uuid) == found[:1]
