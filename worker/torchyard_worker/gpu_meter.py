"""What GPUs are doing, as NVML tells it."""

import math
from contextlib import suppress
from typing import NamedTuple

import pynvml
import structlog

log = structlog.get_logger()

_MIB = 1024 * 1024


class GpuReading(NamedTuple):
    """One GPU at one moment; NaN where the driver does not tell."""

    percent: float
    memory_mb: float


class GpuMeter:
    """Reads the GPUs of one attempt; without any, NVML is never asked.

    Args:
        uuids: The GPUs, in the order of the readings.
    """

    def __init__(self, uuids: list[str]) -> None:
        self._handles: list[object | None] = []
        self._open = False
        if not uuids:
            return
        try:
            pynvml.nvmlInit()
            self._open = True
        except pynvml.NVMLError as problem:
            log.info("gpus_not_metered", reason=str(problem))
            return
        self._handles = [_handle(uuid) for uuid in uuids]

    def read(self) -> list[GpuReading]:
        """A reading for each GPU; empty if there is none, or no driver."""
        return [_reading(handle) for handle in self._handles]

    def close(self) -> None:
        """Let go of NVML; call it once."""
        if self._open:
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()


def _handle(uuid: str) -> object | None:
    try:
        handle: object = pynvml.nvmlDeviceGetHandleByUUID(uuid)
    except pynvml.NVMLError as problem:
        log.info("gpu_not_metered", gpu=uuid, reason=str(problem))
        return None
    return handle


def _reading(handle: object | None) -> GpuReading:
    percent = memory = math.nan
    if handle is not None:
        with suppress(pynvml.NVMLError):  # a MIG instance has no utilisation of its own
            percent = float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        with suppress(pynvml.NVMLError):
            memory = float(pynvml.nvmlDeviceGetMemoryInfo(handle).used) / _MIB
    return GpuReading(percent, memory)
