"""Placing what waits: follows the database, lets `domain.yard` decide, writes and announces the result."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import JobState, Resources
from torchyard.contracts.runner import Gpu
from torchyard.contracts.sayings import say
from torchyard.domain.lifecycle import PLACED, AttemptState
from torchyard.domain.placement import Holding, Placement, Quota, WaitingAttempt, WorkerCapacity
from torchyard.domain.yard import Yard
from torchyard.services import attempts as attempting
from torchyard.services.context import Context
from torchyard.services.queue import Changed
from torchyard.storage import attempts, users, workers
from torchyard.storage.attempts import PlacingRow
from torchyard.storage.tables import AttemptRow, WorkerRow

#: Placements in one transaction: others write in between.
_AT_ONCE = 20


def schedule(ctx: Context) -> float | None:
    """Place what can be placed now; in how many seconds an attempt's pause ends, if one pauses.

    A message goes out after each placement was committed; losing it costs seconds, as the
    reconciler and the heartbeat repeat it.
    """
    changed, done = ctx.queue.take(), False
    try:
        follow(ctx, changed)
        now = ctx.clock.now()
        with ctx.queue.yard() as yard:
            placements, rested = yard.decide(now), yard.next_rested
        left = iter(placements)
        while some := list(islice(left, _AT_ONCE)):
            _place_all(ctx, some)
        done = True
    finally:
        if not done:
            ctx.queue.doubt()  # what was decided and not written has to be taken back
    return None if rested is None else max(0.0, (rested - now).total_seconds())


def follow(ctx: Context, changed: Changed) -> None:
    """Take in what has changed in the database."""
    if not any(changed):
        return
    with ctx.db.read() as session:
        if changed.anything:
            changed = _compared(ctx, session)
        ups = [row for row in workers.find_all(session, changed.workers) if not row.unreachable]
        open_ = list(attempts.placing(session, changed.attempts))
        owners = users.with_ids(session, changed.owners)
    with ctx.queue.yard() as yard:
        _follow_workers(yard, changed.workers, ups)
        for row in owners:
            yard.limit(row.id, Quota(max_gpus=row.max_gpus, max_cpus=row.max_cpus))
        _follow_attempts(yard, changed.attempts, open_)


def _compared(ctx: Context, session: Session) -> Changed:
    """What is different in the database, all workers, and everybody who has or had a quota."""
    rows = attempts.open_states(session)
    with ctx.queue.yard() as yard:
        known = dict(yard.open)
        up, limited = yard.connected, yard.limited
    there = {attempt_id for attempt_id, _, _ in rows}
    # In the order of the rows: a queue grows quickest at its end.
    differ = dict.fromkeys(
        attempt_id
        for attempt_id, state, worker_id in rows
        if _where(known.get(attempt_id)) != (worker_id if state in PLACED else state)
    )
    gone = dict.fromkeys(attempt_id for attempt_id in known if attempt_id not in there)
    owners = {*limited, *(row.id for row in users.limited(session))}
    return Changed(differ | gone, {*up, *workers.all_ids(session)}, owners, anything=True)


def _where(known: WaitingAttempt | Holding | None) -> str | None:
    if isinstance(known, Holding):
        return known.worker_id
    return None if known is None else AttemptState.WAITING


def _follow_workers(yard: Yard, changed: Iterable[str], up: Sequence[WorkerRow]) -> None:
    for worker_id in set(changed) - {row.id for row in up}:
        yard.disconnect(worker_id)
    for row in up:
        yard.connect(_capacity(row))


def _follow_attempts(yard: Yard, changed: Iterable[str], rows: Sequence[PlacingRow]) -> None:
    for row in rows:
        if row.state == AttemptState.WAITING:
            yard.wait(_wanted(row))
        elif row.state in PLACED:
            yard.hold(_holding(row))
    open_ = {row.id for row in rows if row.state == AttemptState.WAITING or row.state in PLACED}
    for attempt_id in changed:
        if attempt_id not in open_:
            yard.remove(attempt_id)


def _place_all(ctx: Context, placements: Sequence[Placement]) -> None:
    with ctx.db.write() as session:
        rows = list(_placed(ctx, session, placements))
    for row in rows:
        attempting.send_run(ctx, row)


def _placed(ctx: Context, session: Session, placements: Sequence[Placement]) -> Iterator[AttemptRow]:
    names = {
        row.id: row.name
        for row in workers.find_all(session, {placement.worker_id for placement in placements})
    }
    for placement in placements:
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
            ctx.queue.note_attempt(placement.attempt_id)  # somebody else was first
            continue
        message = say("event_placed", worker=names[placement.worker_id])
        attempting.note(ctx, session, held.job, state=JobState.QUEUED, message=message)
        yield held.attempt


def _wanted(row: PlacingRow) -> WaitingAttempt:
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


def _holding(row: PlacingRow) -> Holding:
    assert row.worker_id is not None
    return Holding(
        attempt_id=row.id,
        owner=row.owner_id,
        worker_id=row.worker_id,
        cpus=row.cpus,
        memory_mb=row.memory_mb,
        gpus=frozenset(row.gpus),
    )


def _capacity(row: WorkerRow) -> WorkerCapacity:
    return WorkerCapacity(
        worker_id=row.id,
        name=row.name,
        cpus=row.cpus,
        memory_mb=row.memory_mb,
        gpus=tuple(Gpu.model_validate(gpu) for gpu in row.gpus),
        draining=row.draining,
        runtimes=frozenset(runtime["name"] for runtime in row.runtimes),
    )
