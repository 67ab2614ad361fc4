"""Placing what waits: reads the queue, lets `domain.placement` decide, writes and announces the result."""

from collections import Counter

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import JobState, Resources
from torchyard.contracts.runner import Gpu
from torchyard.domain.lifecycle import AttemptState
from torchyard.domain.placement import Placement, WaitingAttempt, WorkerCapacity, plan
from torchyard.services import attempts as attempting
from torchyard.services.context import Context
from torchyard.storage import attempts, workers
from torchyard.storage.tables import AttemptRow, WorkerRow


def schedule(ctx: Context) -> None:
    """Place what can be placed now, and note why the rest waits.

    A message goes out after each placement was committed; losing it costs seconds, as the
    reconciler and the heartbeat repeat it.
    """
    now = ctx.clock.now()
    with ctx.db.read() as session:
        waiting = [_wanted(row) for row in attempts.waiting(session)]
        placed = attempts.placed(session)
        up = [row for row in workers.all_workers(session) if not row.unreachable]
    capacities = [
        _capacity(row, [attempt for attempt in placed if attempt.worker_id == row.id]) for row in up
    ]
    decided = plan(waiting, capacities, Counter(row.owner_id for row in placed), now)
    ctx.queue.waiting = decided.waiting
    if not decided.placements:
        return
    names = {row.id: row.name for row in up}
    with ctx.db.write() as session:
        rows = [row for placement in decided.placements if (row := _place(ctx, session, placement, names))]
    for row in rows:
        attempting.send_run(ctx, row)


def _place(ctx: Context, session: Session, placement: Placement, names: dict[str, str]) -> AttemptRow | None:
    moved = attempts.move(
        session,
        placement.attempt_id,
        AttemptState.ASSIGNED,
        worker_id=placement.worker_id,
        gpus=list(placement.gpus),
        announced_at=ctx.clock.now(),
    )
    held = attempts.find(session, placement.attempt_id)
    if not moved or held is None:
        return None
    message = f"placed on {names[placement.worker_id]}"
    attempting.note(ctx, session, held.job, state=JobState.QUEUED, message=message)
    return held.attempt


def _wanted(row: AttemptRow) -> WaitingAttempt:
    return WaitingAttempt(
        attempt_id=row.id,
        owner=row.owner_id,
        priority=0,
        queued_at=row.not_before or row.created_at,
        not_before=row.not_before,
        resources=Resources(
            gpus=row.gpu_count, gpu_model=row.gpu_model, cpus=row.cpus, memory_mb=row.memory_mb
        ),
        runtime=row.runtime,
        near=frozenset(row.near),
    )


def _capacity(row: WorkerRow, held: list[AttemptRow]) -> WorkerCapacity:
    gpus = tuple(Gpu.model_validate(gpu) for gpu in row.gpus)
    taken = {uuid for attempt in held for uuid in attempt.gpus}
    return WorkerCapacity(
        worker_id=row.id,
        name=row.name,
        cpus=row.cpus,
        memory_mb=row.memory_mb,
        gpus=gpus,
        draining=row.draining,
        runtimes=frozenset(runtime["name"] for runtime in row.runtimes),
        free_cpus=row.cpus - sum(attempt.cpus for attempt in held),
        free_memory_mb=row.memory_mb - sum(attempt.memory_mb for attempt in held),
        free_gpus=tuple(gpu for gpu in gpus if gpu.uuid not in taken),
    )
