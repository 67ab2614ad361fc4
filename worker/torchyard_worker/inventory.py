"""What this machine has: CPUs, memory and GPUs, as far as this process may use them."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pynvml
import structlog

from torchyard.contracts.runner import Gpu

log = structlog.get_logger()

_MIB = 1024 * 1024


def cpus(root: Path = Path("/")) -> int:
    """CPU cores this process may use: by its affinity and by the quotas of its cgroups; at least 1."""
    quotas = [quota for group in _cgroups(root, "cpu") if (quota := _cpu_quota(group)) is not None]
    return max(1, min(len(os.sched_getaffinity(0)), *quotas, 2**31))


def memory_mb(root: Path = Path("/")) -> int:
    """Memory this process may use, in MiB: the machine's, or less by the limits of its cgroups."""
    limits = [_number(group / name) for group in _cgroups(root, "memory") for name in _MEMORY_LIMITS]
    return max(
        1, min(_machine_memory(root), *(limit for limit in limits if limit is not None), 2**62) // _MIB
    )


def gpus(wanted: str | None = None) -> list[Gpu]:
    """The GPUs that NVML tells of; none where there is no driver.

    Args:
        wanted: UUIDs separated by commas, or `none`; all if None.
    """
    if wanted is not None and wanted.strip().lower() in {"", "none"}:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as problem:
        log.info("no_gpus", reason=str(problem))
        return []
    try:
        found = [gpu for index in range(pynvml.nvmlDeviceGetCount()) for gpu in _units(index)]
    except pynvml.NVMLError as problem:
        log.warning("gpus_unreadable", reason=str(problem))
        return []
    finally:
        pynvml.nvmlShutdown()
    chosen = None if wanted is None else {uuid.strip() for uuid in wanted.split(",")}
    return [gpu for gpu in found if chosen is None or gpu.uuid in chosen]


def _units(index: int) -> list[Gpu]:
    """The GPU itself; where it is split into MIG instances, those, as only they can be computed on."""
    whole = pynvml.nvmlDeviceGetHandleByIndex(index)
    model = _text(pynvml.nvmlDeviceGetName(whole))
    handles = list(_instances(whole)) or [whole]
    return [
        Gpu(
            uuid=_text(pynvml.nvmlDeviceGetUUID(handle)),
            model=_text(pynvml.nvmlDeviceGetName(handle)) if handle is not whole else model,
            memory_mb=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total) // _MIB,
        )
        for handle in handles
    ]


def _instances(whole: object) -> Iterator[object]:
    try:
        count = pynvml.nvmlDeviceGetMaxMigDeviceCount(whole)
    except pynvml.NVMLError:  # a GPU that can't be split
        return
    for index in range(count):
        with suppress(pynvml.NVMLError):  # an index that is not in use
            yield pynvml.nvmlDeviceGetMigDeviceHandleByIndex(whole, index)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


_MEMORY_LIMITS = ("memory.max", "memory.limit_in_bytes")


def _machine_memory(root: Path) -> int:
    for line in (root / "proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 2**62


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """The directories of this process's cgroup and of those above it, of either version."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            base = root / "sys/fs/cgroup" / (controller if controllers else "")
            group = base / path.lstrip("/")
            # In a container the path may be the host's, and only the base is to be seen.
            yield from (place for place in (group, *group.parents) if place.is_relative_to(base))


def _cpu_quota(group: Path) -> int | None:
    with suppress(OSError, ValueError):
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else math.ceil(int(quota) / int(period))
    quota_us, period_us = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
    if quota_us is None or not period_us or quota_us <= 0:
        return None
    return math.ceil(quota_us / period_us)


def _number(file: Path) -> int | None:
    """The number in the file; None if there is none, or it says `max`."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
