"""Workers: how they register, beat, and are told of."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import JobState
from torchyard.contracts.runner import (
    HEARTBEAT_SECONDS,
    Heartbeat,
    HeartbeatAnswer,
    Registered,
    RegisterRequest,
    Runtime,
)
from torchyard.contracts.sayings import received, say, saying_of, sent
from torchyard.contracts.topics import worker_queue
from torchyard.contracts.workers import DrainWish, HeldJob, OfferedRuntime, Worker
from torchyard.domain.lifecycle import CLAIMED, AttemptState
from torchyard.errors import NotFound, Unauthenticated
from torchyard.services import attempts as attempting
from torchyard.services import queueing
from torchyard.services.context import Context
from torchyard.services.users import digest, new_token
from torchyard.storage import attempts, workers
from torchyard.storage.tables import AttemptRow, JobRow, WorkerRow

#: Heartbeats in the time after which a worker's attempts are given up, at least: several may be lost.
_BEAT_SHARE = 0.1


def register(ctx: Context, session: Session, request: RegisterRequest) -> Registered:
    """Welcome a worker's new process; whatever its earlier one had and it hasn't is lost."""
    now, token = ctx.clock.now(), new_token("tyw")
    workers.save(
        session,
        WorkerRow(
            id=request.worker_id,
            name=request.name,
            incarnation=request.incarnation,
            token_digest=digest(token),
            cpus=request.cpus,
            memory_mb=request.memory_mb,
            gpus=[gpu.model_dump() for gpu in request.gpus],
            runtimes=[runtime.model_dump() for runtime in request.runtimes],
            isolation_tier=request.isolation_tier,
            isolation_notes=[sent(note) for note in request.isolation_notes],
            registered_at=now,
            heartbeat_counter=0,
            seen_at=now,
            unreachable=False,
        ),
    )
    session.flush()
    held = {row.id for row in attempts.of_worker(session, request.worker_id, CLAIMED)}
    for attempt_id in sorted(held - set(request.attempts)):
        attempting.lose(ctx, session, attempt_id, say("worker_restarted"))
    queueing.worker_changed(ctx, session, request.worker_id)
    return Registered(
        token=token,
        broker_url=ctx.broker_url,
        queue=worker_queue(request.worker_id),
        heartbeat_seconds=min(HEARTBEAT_SECONDS, ctx.limits.lost_after.total_seconds() * _BEAT_SHARE),
        abandoned=sorted(set(request.attempts) - held),
    )


def authenticate(session: Session, token: str) -> WorkerRow:
    """The worker whose present incarnation has this token.

    Raises:
        Unauthenticated: None has; it has to register (again).
    """
    row = workers.by_token(session, digest(token))
    if row is None:
        raise Unauthenticated("this worker has to register first")
    return row


def beat(ctx: Context, session: Session, worker: WorkerRow, heartbeat: Heartbeat) -> HeartbeatAnswer:
    """Take in a heartbeat; tell the worker what it may have missed."""
    runtimes = (
        None if heartbeat.runtimes is None else [runtime.model_dump() for runtime in heartbeat.runtimes]
    )
    workers.beat(session, worker.id, counter=heartbeat.counter, at=ctx.clock.now(), runtimes=runtimes)
    if worker.unreachable or runtimes is not None:
        queueing.worker_changed(ctx, session, worker.id)
    rows = attempts.of_worker(session, worker.id)
    held = {row.id for row in rows if row.state in CLAIMED}
    return HeartbeatAnswer(
        assigned=[row.id for row in rows if row.state == AttemptState.ASSIGNED],
        cancelled=attempts.cancel_requested(session, worker.id),
        abandoned=sorted(set(heartbeat.attempts) - held),
    )


def all_workers(session: Session) -> list[Worker]:
    """Every worker that ever registered, by name."""
    held = defaultdict(list)
    for attempt, job in attempts.placed_jobs(session):
        held[attempt.worker_id].append((attempt, job))
    return [_told(row, held[row.id]) for row in workers.all_workers(session)]


def drain(ctx: Context, session: Session, worker_id: str, wish: DrainWish) -> Worker:
    """Give a worker nothing new, or again; what it has goes on.

    Raises:
        NotFound: `worker_not_found`.
    """
    if workers.find(session, worker_id) is None:
        raise NotFound("there is no worker with this id", code="worker_not_found")
    workers.set_draining(session, worker_id, wish.drain)
    queueing.worker_changed(ctx, session, worker_id)
    return next(worker for worker in all_workers(session) if worker.id == worker_id)


def _told(row: WorkerRow, held: Sequence[tuple[AttemptRow, JobRow]]) -> Worker:
    notes = [received(note) for note in row.isolation_notes]
    return Worker(
        id=row.id,
        name=row.name,
        reachable=not row.unreachable,
        draining=row.draining,
        cpus=row.cpus,
        memory_mb=row.memory_mb,
        gpus=row.gpus,
        runtimes=row.runtimes,
        isolation_tier=row.isolation_tier,
        isolation_notes=notes,
        isolation_sayings=[saying_of(note) for note in notes],
        attempts=len(held),
        jobs=[_held(attempt, job) for attempt, job in held],
        free_cpus=row.cpus - sum(attempt.cpus for attempt, _ in held),
        free_memory_mb=row.memory_mb - sum(attempt.memory_mb for attempt, _ in held),
        registered_at=row.registered_at,
        seen_at=row.seen_at,
    )


def _held(attempt: AttemptRow, job: JobRow) -> HeldJob:
    return HeldJob(
        job=job.id,
        name=job.name,
        attempt=attempt.number,
        state=JobState(job.state),
        cpus=attempt.cpus,
        memory_mb=attempt.memory_mb,
        gpus=attempt.gpus,
    )


def all_runtimes(ctx: Context, session: Session) -> list[OfferedRuntime]:
    """Every runtime that a reachable worker offers, by name."""
    offered: dict[str, dict[str, Runtime]] = {}
    for worker in all_workers(session):
        for runtime in worker.runtimes if worker.reachable else ():
            offered.setdefault(runtime.name, {})[worker.name] = runtime
    return [
        OfferedRuntime(name=name, default=name == ctx.limits.default_runtime, workers=offered[name])
        for name in sorted(offered)
    ]
