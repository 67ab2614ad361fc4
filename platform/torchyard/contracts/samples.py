"""What a job's processes and GPUs used while it ran: as records on their way, and as columns in the API."""

import struct
from datetime import datetime

from pydantic import Field

from torchyard.contracts.models import Lenient

#: Of `samples.bin`: seconds from the script's start to the end of what the record tells of; CPU cores in use:
#: mean, least, most; memory in MiB: the same. Records follow each other in time.
SAMPLE = struct.Struct("<d6f")
#: Of `gpus.bin`: seconds from the script's start; which of the attempt's GPUs; its utilisation in percent and
#: its used memory in MiB, NaN where the driver does not tell.
GPU_SAMPLE = struct.Struct("<dI2f")
#: Bytes of either file; a week with eight GPUs takes less than two million.
MAX_RECORD_BYTES = 16 * 1024 * 1024


class GpuSamples(Lenient):
    """One GPU of the attempt, at the same times as the other columns; null where nothing was measured."""

    uuid: str = Field(description="NVML's UUID.")
    percent: list[float | None] = Field(description="How busy it was.")
    memory_mb: list[float | None] = Field(description="Its memory in use, in MiB.")


class Samples(Lenient):
    """What an attempt used, as columns of the same length: at most 2,000 points for its whole life."""

    attempt: int = Field(description="Which attempt.")
    started_at: datetime | None = Field(None, description="What `seconds` count from.")
    cpus: int = Field(description="CPU cores the job asked for.")
    memory_limit_mb: int = Field(description="Memory the job asked for, in MiB.")
    seconds: list[float] = Field(description="When each stretch of time ended that a point tells of.")
    cpu_cores: list[float] = Field(description="CPU cores in use, in the mean.")
    cpu_cores_min: list[float] = Field(description="The least in the stretch.")
    cpu_cores_max: list[float] = Field(description="The most in the stretch.")
    memory_mb: list[float] = Field(description="Memory of its processes in MiB, in the mean; shared is once.")
    memory_mb_min: list[float] = Field(description="The least in the stretch.")
    memory_mb_max: list[float] = Field(description="The most in the stretch.")
    gpus: list[GpuSamples] = Field([], description="Its GPUs, in the order of the attempt's.")
