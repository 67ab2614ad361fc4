"""What placing is about: attempts that wait, workers and what is held of them, and what was decided."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from torchyard.contracts.jobs import Resources
from torchyard.contracts.runner import Gpu


@dataclass(frozen=True, kw_only=True)
class WaitingAttempt:
    """An attempt that has no worker yet."""

    attempt_id: str
    #: Who shares fairly with whom.
    owner: str
    #: Higher goes first.
    priority: int
    queued_at: datetime
    #: A pause after a failure: not placed before.
    not_before: datetime | None = None
    resources: Resources
    runtime: str
    #: Workers that may have its inputs already; one of them is preferred, never waited for.
    near: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class WorkerCapacity:
    """A connected worker: all that it has when nothing runs on it."""

    worker_id: str
    name: str
    cpus: int
    memory_mb: int
    gpus: tuple[Gpu, ...]
    runtimes: frozenset[str]
    #: An administrator wants it to be given nothing new.
    draining: bool = False


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What an attempt has of the worker that it was placed on."""

    attempt_id: str
    owner: str
    worker_id: str
    cpus: int
    memory_mb: int
    #: UUIDs of its GPUs.
    gpus: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The most that an owner's attempts hold at once, on all workers together; None is no limit."""

    max_gpus: int | None = None
    max_cpus: int | None = None


@dataclass(frozen=True, kw_only=True)
class Placement:
    """This attempt starts on this worker."""

    attempt_id: str
    worker_id: str
    #: UUIDs of the GPUs it is given.
    gpus: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlacementSettings:
    """How placing weighs throughput against patience."""

    #: Older than this, an attempt that doesn't fit has what it needs kept free on one worker.
    starvation_after: timedelta = timedelta(minutes=5)
    #: Workers on which room is kept at once, for those who go first: whoever starts makes room for the next.
    #: Each one idles in part until it is free enough, and costs time at every decision.
    most_kept: int = 16
