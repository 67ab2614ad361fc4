"""Workers and runtimes, as the platform tells them."""

from datetime import datetime

from pydantic import Field

from torchyard.contracts.jobs import JobState
from torchyard.contracts.models import Lenient, Strict
from torchyard.contracts.runner import Gpu, Runtime
from torchyard.contracts.sayings import Saying


class HeldJob(Lenient):
    """What a worker does now: an attempt of a job."""

    job: str = Field(description="The job's UUID.")
    name: str = Field(description="The job's name.")
    attempt: int = Field(description="The number of the attempt.")
    state: JobState = Field(description="Where the job stands.")
    cpus: int = Field(description="CPU cores it was given.")
    memory_mb: int = Field(description="Memory it was given, in MiB.")
    gpus: list[str] = Field([], description="UUIDs of the GPUs it was given.")


class DrainWish(Strict):
    """Whether a worker is to take anything new."""

    drain: bool = Field(description="True: it gets no new attempts; what it has goes on.")


class Worker(Lenient):
    """A machine that runs jobs."""

    id: str = Field(description="The worker's UUID.")
    name: str = Field(description="Its name.")
    reachable: bool = Field(description="Whether it is heard of.")
    draining: bool = Field(False, description="Whether it gets no new attempts; what it has goes on.")
    cpus: int = Field(description="CPU cores it offers.")
    memory_mb: int = Field(description="Memory it offers, in MiB.")
    gpus: list[Gpu] = Field([], description="Its GPUs.")
    runtimes: list[Runtime] = Field([], description="Its runtimes with their real versions.")
    isolation_tier: int = Field(0, description="How far its scripts are contained.")
    isolation_notes: list[str] = Field([], description="What its isolation lacks.")
    isolation_sayings: list[Saying | None] = Field(
        [], description="The same for other languages, in the same order."
    )
    attempts: int = Field(description="Attempts it holds now.")
    jobs: list[HeldJob] = Field([], description="The jobs of these attempts.")
    free_cpus: int = Field(description="CPU cores not given to any attempt.")
    free_memory_mb: int = Field(description="Memory not given to any attempt, in MiB.")
    registered_at: datetime = Field(description="When it last registered.")
    seen_at: datetime = Field(description="When its last heartbeat came.")


class OfferedRuntime(Lenient):
    """A Python environment that jobs can ask for."""

    name: str = Field(description="The runtime's name.")
    default: bool = Field(description="Whether jobs that name no runtime get this one.")
    workers: dict[str, Runtime] = Field(
        {}, description="Its real versions on each worker, by the worker's name."
    )
