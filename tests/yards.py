"""Queues and workers to place on, and a plan made of them from nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from torchyard.contracts.jobs import Resources, Waiting
from torchyard.contracts.runner import Gpu
from torchyard.domain.placement import (
    Holding,
    Placement,
    PlacementSettings,
    WaitingAttempt,
    WorkerCapacity,
)
from torchyard.domain.yard import Yard

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def attempt(
    name: str,
    *,
    owner: str = "ann",
    priority: int = 0,
    age: float = 0,
    runtime: str = "torch",
    resources: Resources | None = None,
) -> WaitingAttempt:
    """An attempt that has waited for `age` seconds."""
    return WaitingAttempt(
        attempt_id=name,
        owner=owner,
        priority=priority,
        queued_at=NOW - timedelta(seconds=age),
        resources=resources or Resources(),
        runtime=runtime,
    )


def gpus(count: int, *, model: str = "NVIDIA A100-SXM4-80GB", memory_mb: int = 80_000) -> tuple[Gpu, ...]:
    return tuple(
        Gpu(uuid=f"GPU-{model}-{number}", model=model, memory_mb=memory_mb) for number in range(count)
    )


@dataclass(frozen=True)
class Machine:
    """A worker with some of it in use."""

    capacity: WorkerCapacity
    free_cpus: int
    free_memory_mb: int
    free_gpus: tuple[Gpu, ...]

    @property
    def name(self) -> str:
        return self.capacity.worker_id

    @property
    def holding(self) -> Holding:
        """All that is in use, as one attempt's."""
        all_of_it = self.capacity
        return Holding(
            attempt_id=f"on {self.name}",
            owner=f"on {self.name}",
            worker_id=self.name,
            cpus=all_of_it.cpus - self.free_cpus,
            memory_mb=all_of_it.memory_mb - self.free_memory_mb,
            gpus=frozenset(gpu.uuid for gpu in set(all_of_it.gpus) - set(self.free_gpus)),
        )


def worker(
    name: str,
    *,
    cpus: int = 4,
    memory_mb: int = 8192,
    has: tuple[Gpu, ...] = (),
    runtimes: tuple[str, ...] = ("torch",),
    draining: bool = False,
) -> Machine:
    """A worker on which nothing runs."""
    own = tuple(gpu.model_copy(update={"uuid": f"{name}/{gpu.uuid}"}) for gpu in has)
    capacity = WorkerCapacity(
        worker_id=name,
        name=name,
        cpus=cpus,
        memory_mb=memory_mb,
        gpus=own,
        runtimes=frozenset(runtimes),
        draining=draining,
    )
    return Machine(capacity, cpus, memory_mb, own)


def busy(idle: Machine, *, cpus: int = 0, memory_mb: int = 0, gpu_count: int = 0) -> Machine:
    """The worker with this much of it in use."""
    return replace(
        idle,
        free_cpus=idle.free_cpus - cpus,
        free_memory_mb=idle.free_memory_mb - memory_mb,
        free_gpus=idle.free_gpus[gpu_count:],
    )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Each waiting attempt is in exactly one of both."""

    placements: tuple[Placement, ...]
    #: By attempt, in the order of the queue.
    waiting: dict[str, Waiting]


def plan(
    waiting: Iterable[WaitingAttempt],
    machines: Iterable[Machine],
    running_by_owner: Mapping[str, int],
    now: datetime,
    settings: PlacementSettings = PlacementSettings(),  # noqa: B008 - it is frozen
) -> Plan:
    """What a yard decides that is told everything at once."""
    yard = Yard(settings)
    for machine in machines:
        yard.connect(machine.capacity)
        yard.hold(machine.holding)
    for owner, count in running_by_owner.items():
        for number in range(count):
            yard.hold(elsewhere(f"{owner}'s {number}", owner))
    asked = list(waiting)
    for one in asked:
        yard.wait(one)
    placements = tuple(yard.decide(now))
    told = {one.attempt_id: why for one in asked if (why := yard.why(one.attempt_id)) is not None}
    in_order = sorted(told, key=lambda name: told[name].position)
    return Plan(placements=placements, waiting={name: told[name] for name in in_order})


def elsewhere(name: str, owner: str) -> Holding:
    """An attempt that counts for its owner, on a worker that is not connected."""
    return Holding(
        attempt_id=name, owner=owner, worker_id="gone", cpus=1, memory_mb=1, gpus=frozenset({"none"})
    )


def workers_of(decided: Plan) -> dict[str, str]:
    return {placement.attempt_id: placement.worker_id for placement in decided.placements}
