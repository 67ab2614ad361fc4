"""The only writer of attempts' states: queue, claim, report, finish, lose."""

import functools
import mimetypes
import uuid
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from torchyard.contracts.jobs import JobSpec, JobState, Reason
from torchyard.contracts.logs import SCRIPT_LOGS
from torchyard.contracts.runner import ClaimedAttempt, Finish, Outcome, Report
from torchyard.contracts.sayings import Sentence, say, saying_of, spoken
from torchyard.contracts.topics import worker_queue
from torchyard.domain import durations, masking, retrying
from torchyard.domain.failures import Ending, explain
from torchyard.domain.lifecycle import CLAIMED, AttemptState
from torchyard.domain.retrying import Retry
from torchyard.errors import (
    AttemptStale,
    BlobNotUploaded,
    FieldInvalid,
    Forbidden,
    LogMismatch,
    SealBroken,
    TorchyardError,
    Unavailable,
)
from torchyard.services import inputs, mirroring, queueing, reusing, secrets
from torchyard.services.context import Context, job_topic, log_topic
from torchyard.storage import attempts, blobs, jobs
from torchyard.storage.database import after_commit
from torchyard.storage.tables import ArtifactRow, AttemptRow, JobRow, WorkerRow

log = structlog.get_logger()


def queue(
    ctx: Context, session: Session, job: JobRow, spec: JobSpec, *, retry: Retry | None = None
) -> AttemptRow:
    """Put the job's first attempt into the queue, or another one; `retry` tells why."""
    now = ctx.clock.now()
    if retry is not None:
        job.attempt += 1
        job.state = JobState.QUEUED
    attempt = AttemptRow(
        id=str(uuid.uuid4()),
        job_id=job.id,
        number=job.attempt,
        state=AttemptState.WAITING,
        owner_id=job.owner_id,
        runtime=spec.runtime,
        gpu_count=spec.resources.gpus,
        gpu_model=spec.resources.gpu_model,
        cpus=spec.resources.cpus,
        memory_mb=spec.resources.memory_mb,
        gpus=[],
        reports=0,
        created_at=now,
        not_before=now + retry.pause if retry and retry.pause else None,
        near=inputs.workers_near(session, spec),
    )
    if retry is not None:
        session.flush()
    attempts.add(session, attempt)
    queued = _queued_again(job.attempt, retry, spec) if retry else say("event_queued", wishes=_wishes(spec))
    note(ctx, session, job, state=JobState.QUEUED, message=queued)
    queueing.attempt_changed(ctx, session, attempt.id)
    return attempt


def claim(ctx: Context, session: Session, worker: WorkerRow, attempt_id: str) -> ClaimedAttempt | None:
    """Give the attempt to the worker it was placed on, once.

    Returns:
        What the worker needs, secrets included; None if something of it is not to be had any more, which
        ended the attempt.

    Raises:
        AttemptStale: It was claimed before, ended, or is placed elsewhere.
    """
    held = attempts.find(session, attempt_id, lock=True)
    moved = held is not None and attempts.move(
        session, attempt_id, AttemptState.STAGING, held_by=worker.id, claimed_at=ctx.clock.now()
    )
    if held is None or not moved:
        raise AttemptStale
    note(ctx, session, held.job, state=JobState.STAGING, message=say("event_taken", worker=worker.name))
    spec = JobSpec.model_validate(held.job.spec)
    try:
        environment = secrets.resolve(ctx, session, held.job.owner_id, spec.environment)
        storage = inputs.storage(ctx, session, spec)
    except (FieldInvalid, Forbidden, SealBroken) as problem:
        _refuse(ctx, session, held, problem)
        return None
    # Half of the time after which it is given up: the rest is for noticing, and for ending the script.
    fence = ctx.limits.lost_after.total_seconds() / 2
    fenced = retrying.survives_loss(_ends(session, held.job), spec.retries)
    return ClaimedAttempt(
        attempt_id=attempt_id,
        job_id=held.job.id,
        number=held.attempt.number,
        spec=spec,
        gpus=held.attempt.gpus,
        cancel_requested=held.job.cancel_requested_at is not None,
        environment=environment,
        storage=storage,
        inputs=inputs.of_job(session, held.job.id),
        start_fence_seconds=fence,
        fence_seconds=fence if fenced else None,
    )


def _refuse(ctx: Context, session: Session, held: attempts.HeldAttempt, problem: TorchyardError) -> None:
    """End an attempt whose secrets or connections went away while it was queued."""
    forbidden = isinstance(problem, Forbidden)
    reason = Reason.DEPENDENCY_FORBIDDEN if forbidden else Reason.INTERNAL
    _end(ctx, session, held, Ending(JobState.FAILED, reason, say("start_refused", problem=problem.message)))


def check_held(session: Session, worker: WorkerRow, attempt_id: str) -> None:
    """Go on only if this worker has the attempt in hand.

    Raises:
        AttemptStale: It has not, or no longer.
    """
    worker_id, state = attempts.place(session, attempt_id) or (None, None)
    if worker_id != worker.id or state not in CLAIMED:
        raise AttemptStale


def _held(session: Session, worker: WorkerRow, attempt_id: str) -> attempts.HeldAttempt:
    """The same, with the attempt, which nobody else changes until this transaction ends."""
    held = attempts.find(session, attempt_id, lock=True)
    if held is None or held.attempt.worker_id != worker.id or held.attempt.state not in CLAIMED:
        raise AttemptStale
    return held


def report(ctx: Context, session: Session, worker: WorkerRow, attempt_id: str, event: Report) -> None:
    """Take in an event of an attempt; one that was seen before changes nothing.

    Raises:
        AttemptStale: The attempt is not this worker's.
        FieldInvalid: The event names a state that a report can't bring about.
    """
    held = _held(session, worker, attempt_id)
    if event.state not in {None, JobState.RUNNING}:
        raise FieldInvalid("a report can only announce that the script runs", field="state")
    if not attempts.take_report(session, attempt_id, event.number):
        return
    state = JobState(held.job.state)
    hidden = secrets.to_mask(ctx, session, held.job)
    for line in event.before:
        note(ctx, session, held.job, state=state, message=masking.mask_line(line, hidden))
    if event.progress is not None:
        ctx.progress[attempt_id] = event.progress
    if event.state is JobState.RUNNING:
        state = JobState.RUNNING
        ctx.progress.pop(attempt_id, None)
        attempts.move(
            session, attempt_id, AttemptState.RUNNING, held_by=worker.id, started_at=ctx.clock.now()
        )
    note(ctx, session, held.job, state=state, message=masking.mask_line(event.message, hidden))


def check_logs(ctx: Context, attempt_id: str, finish: Finish) -> None:
    """Compare the stored logs with what the worker holds.

    Raises:
        LogMismatch: One differs. It was emptied, so that it can be sent again from the start.
    """
    for seal in finish.logs:
        whole = ctx.logs.size(attempt_id, seal.name) == seal.size
        if not whole or ctx.logs.seal(attempt_id, seal.name) != seal.crc32:
            ctx.logs.truncate(attempt_id, seal.name)
            raise LogMismatch(f"{seal.name} has to be sent again", log=seal.name)


def finish(ctx: Context, session: Session, worker: WorkerRow, attempt_id: str, final: Finish) -> None:
    """End an attempt with the facts its worker reports. Its logs were checked before.

    Raises:
        AttemptStale: The attempt is not this worker's, or has ended.
        BlobNotUploaded: An artifact's bytes are missing.
    """
    held = _held(session, worker, attempt_id)
    final = _masked(final, secrets.to_mask(ctx, session, held.job))
    ending = explain(final.outcome, JobSpec.model_validate(held.job.spec))
    _keep_artifacts(ctx, session, held, final)
    for message in final.messages:
        note(ctx, session, held.job, state=JobState(held.job.state), message=message)
    _conclude(ctx, session, held, ending, final.outcome)
    reusing.note_end(session, held.job, held.worker, final.fetched)


def _masked(final: Finish, hidden: list[bytes]) -> Finish:
    """The facts without the secrets that a script may have put into its exceptions and file names."""
    if not hidden:
        return final
    told = {
        name: masking.mask_line(text, hidden)
        for name, text in (("exception", final.outcome.exception), ("detail", final.outcome.detail))
        if text is not None
    }
    messages = [masking.mask_line(message, hidden) for message in final.messages]
    outcome = final.outcome.model_copy(update=told)
    return final.model_copy(update={"outcome": outcome, "messages": messages})


def lose(ctx: Context, session: Session, attempt_id: str, sentence: str) -> None:
    """Give up an attempt whose worker went away; see `domain.retrying` for what follows."""
    held = attempts.find(session, attempt_id, lock=True)
    if held is not None and held.attempt.state in CLAIMED:
        _conclude(ctx, session, held, Ending(JobState.FAILED, Reason.WORKER_LOST, sentence))


def put_back(ctx: Context, session: Session, row: AttemptRow, message: str) -> None:
    """Return an attempt that nobody claimed to the queue."""
    unplaced = attempts.move(
        session, row.id, AttemptState.WAITING, held_by=row.worker_id, worker_id=None, gpus=[]
    )
    held = attempts.find(session, row.id)
    if unplaced and held is not None:
        note(ctx, session, held.job, state=JobState.QUEUED, message=message)
        queueing.attempt_changed(ctx, session, row.id)


def note(ctx: Context, session: Session, job: JobRow, *, state: JobState, message: str) -> None:
    """Add a line to the job's account of itself, and wake who follows it."""
    line, said = " ".join(message.split()), saying_of(message)
    told = Sentence(line, said) if said else line
    jobs.add_event(session, job.id, attempt=job.attempt, state=state, at=ctx.clock.now(), message=told)
    mirroring.mirror(ctx, session, job, state, line)
    job_id = job.id
    after_commit(session, lambda: ctx.fanout.wake(job_topic(job_id)))


def send_run(ctx: Context, row: AttemptRow) -> None:
    """Tell the worker that the attempt is its own; the reconciler repeats it if that fails."""
    try:
        ctx.dispatcher.run_attempt(worker_queue(str(row.worker_id)), row.id)
    except Unavailable as problem:
        log.warning("dispatch_failed", attempt=row.id, problem=problem.message)


def send_cancel(ctx: Context, row: AttemptRow) -> None:
    """Tell the worker to stop the attempt; the heartbeat's answer repeats it if that fails."""
    try:
        ctx.dispatcher.cancel_attempt(worker_queue(str(row.worker_id)), row.id)
    except Unavailable as problem:
        log.warning("dispatch_failed", attempt=row.id, problem=problem.message)


def _conclude(
    ctx: Context,
    session: Session,
    held: attempts.HeldAttempt,
    ending: Ending,
    outcome: Outcome | None = None,
) -> None:
    """End an attempt, and queue the next one in the same transaction if the job is to be tried again."""
    spec, retry = JobSpec.model_validate(held.job.spec), None
    if held.job.cancel_requested_at is None:
        ran = held.attempt.state == AttemptState.RUNNING
        ends = _ends(session, held.job, (ending.reason, ran))
        retry = retrying.decide(ending.reason, ran, ends, spec.retries, pause=ctx.limits.retry_pause)
    elif ending.reason is Reason.WORKER_LOST:
        ending = Ending(JobState.CANCELLED, None, say("cancelled_lost"))
    _end(ctx, session, held, ending, outcome=outcome, retry=retry)
    if retry is not None:
        session.refresh(held.job)
        held.job.reason = held.job.sentence = held.job.saying = held.job.exit_code = held.job.signal = None
        held.job.finished_at = held.job.started_at = None
        queue(ctx, session, held.job, spec, retry=retry)


def _ends(session: Session, job: JobRow, *more: tuple[Reason | None, bool]) -> retrying.Ends:
    ended = [(Reason(reason) if reason else None, ran) for reason, ran in attempts.ends(session, job.id)]
    return retrying.count([*ended, *more])


def _script_ended_at(row: AttemptRow, outcome: Outcome | None, now: datetime) -> datetime | None:
    if row.started_at is None or outcome is None or outcome.collecting_seconds is None:
        return None
    return max(row.started_at, now - timedelta(seconds=outcome.collecting_seconds))


def _end(
    ctx: Context,
    session: Session,
    held: attempts.HeldAttempt,
    ending: Ending,
    *,
    outcome: Outcome | None = None,
    retry: Retry | None = None,
) -> None:
    now = ctx.clock.now()
    moved = attempts.move(
        session,
        held.attempt.id,
        AttemptState(ending.state.value),
        held_by=held.attempt.worker_id,
        script_ended_at=_script_ended_at(held.attempt, outcome, now),
        finished_at=now,
        reason=ending.reason,
        **spoken(ending.sentence),
        exit_code=outcome.exit_code if outcome else None,
        signal=outcome.signal if outcome else None,
    )
    if not moved:
        raise AttemptStale
    ctx.progress.pop(held.attempt.id, None)
    # Whoever follows the events must not take the end of an attempt for the job's.
    state = JobState.QUEUED if retry else ending.state
    note(ctx, session, held.job, state=state, message=_ended(ending))
    queueing.attempt_changed(ctx, session, held.attempt.id)
    for name in SCRIPT_LOGS:
        after_commit(session, functools.partial(ctx.fanout.wake, log_topic(held.attempt.id, name)))


def _keep_artifacts(ctx: Context, session: Session, held: attempts.HeldAttempt, final: Finish) -> None:
    rows = []
    # In one order everywhere, so that two transactions never wait for each other.
    for file in sorted(final.artifacts, key=lambda file: file.sha256):
        blob = blobs.touch(session, file.sha256, ctx.clock.now())
        if blob is None:
            raise BlobNotUploaded(f"the bytes of {file.path!r} have not been uploaded", field="artifacts")
        rows.append(
            ArtifactRow(
                job_id=held.job.id,
                attempt=held.attempt.number,
                path=file.path,
                size=blob.size,
                sha256=file.sha256,
                media_type=mimetypes.guess_type(file.path)[0] or "application/octet-stream",
            )
        )
    jobs.add_artifacts(session, rows)


def _wishes(spec: JobSpec) -> Sentence:
    wanted = spec.resources
    gpus = say("gpus", count=wanted.gpus)
    if wanted.gpu_model:
        gpus = say("gpus_of_model", count=wanted.gpus, model=wanted.gpu_model)
    return say("wishes", cpus=wanted.cpus, mb=wanted.memory_mb, gpus=gpus, runtime=spec.runtime)


def _queued_again(number: int, retry: Retry, spec: JobSpec) -> Sentence:
    seconds = retry.pause.total_seconds()
    return say(
        "event_queued_again",
        number=number,
        most=number + retry.left,
        pause=say("event_pause", pause=durations.in_words(seconds)) if seconds else "",
        why=retry.why,
        wishes=_wishes(spec),
    )


def _ended(ending: Ending) -> Sentence:
    return say("event_ended", state=say(f"state_{ending.state}"), sentence=ending.sentence)
