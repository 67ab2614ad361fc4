"""Workers: how they register, beat, and are told of."""

from sqlalchemy.orm import Session

from torchyard.contracts.runner import (
    Heartbeat,
    HeartbeatAnswer,
    Registered,
    RegisterRequest,
    Runtime,
)
from torchyard.contracts.topics import worker_queue
from torchyard.contracts.workers import OfferedRuntime, Worker
from torchyard.domain.lifecycle import CLAIMED, AttemptState
from torchyard.errors import Unauthenticated
from torchyard.services import attempts as attempting
from torchyard.services.context import QUEUE_TOPIC, Context
from torchyard.services.users import digest, new_token
from torchyard.storage import attempts, workers
from torchyard.storage.database import after_commit
from torchyard.storage.tables import WorkerRow


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
            isolation_notes=request.isolation_notes,
            registered_at=now,
            heartbeat_counter=0,
            seen_at=now,
            unreachable=False,
        ),
    )
    session.flush()
    held = {row.id for row in attempts.of_worker(session, request.worker_id, CLAIMED)}
    for attempt_id in sorted(held - set(request.attempts)):
        attempting.lose(ctx, session, attempt_id, "The worker was restarted and had lost track of the job.")
    after_commit(session, lambda: ctx.fanout.wake(QUEUE_TOPIC))
    return Registered(
        token=token,
        broker_url=ctx.broker_url,
        queue=worker_queue(request.worker_id),
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
        after_commit(session, lambda: ctx.fanout.wake(QUEUE_TOPIC))
    rows = attempts.of_worker(session, worker.id)
    held = {row.id for row in rows if row.state in CLAIMED}
    return HeartbeatAnswer(
        assigned=[row.id for row in rows if row.state == AttemptState.ASSIGNED],
        cancelled=attempts.cancel_requested(session, worker.id),
        abandoned=sorted(set(heartbeat.attempts) - held),
    )


def all_workers(session: Session) -> list[Worker]:
    """Every worker that ever registered, by name."""
    placed = attempts.placed(session)
    told = []
    for row in workers.all_workers(session):
        own = [attempt for attempt in placed if attempt.worker_id == row.id]
        told.append(
            Worker(
                id=row.id,
                name=row.name,
                reachable=not row.unreachable,
                cpus=row.cpus,
                memory_mb=row.memory_mb,
                gpus=row.gpus,
                runtimes=row.runtimes,
                isolation_tier=row.isolation_tier,
                isolation_notes=row.isolation_notes,
                attempts=len(own),
                free_cpus=row.cpus - sum(attempt.cpus for attempt in own),
                free_memory_mb=row.memory_mb - sum(attempt.memory_mb for attempt in own),
                registered_at=row.registered_at,
                seen_at=row.seen_at,
            )
        )
    return told


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
