"""Submitting, telling, cancelling and deleting jobs."""

import zlib
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from torchyard.contracts import archives
from torchyard.contracts.jobs import (
    TERMINAL,
    Attempt,
    Job,
    JobCreate,
    JobEvent,
    JobSpec,
    JobState,
    Waiting,
)
from torchyard.contracts.requirements import (
    MAX_REQUIREMENTS_BYTES,
    REQUIREMENTS_FILE,
    RequirementsInvalid,
    requirements_in,
)
from torchyard.contracts.sayings import Sentence, say, spoken
from torchyard.domain import scripts, substitution
from torchyard.domain.lifecycle import CLAIMED, AttemptState
from torchyard.errors import (
    FieldInvalid,
    JobEnded,
    JobNotEnded,
    NotFound,
    RuntimeUnknown,
    TooLarge,
)
from torchyard.services import attempts as attempting
from torchyard.services import queueing, submitting, trees
from torchyard.services.context import Context, job_topic
from torchyard.services.users import User
from torchyard.storage import attempts, blobs, jobs, workers
from torchyard.storage.database import after_commit
from torchyard.storage.tables import AttemptRow

#: Fields in which `${` has a meaning, and `$${` none any more once the job was accepted.
_READ_ONCE = ("arguments", "dependency_paths")


def check_script(ctx: Context, source: bytes, name: str, *, ignore_warnings: bool) -> None:
    """Refuse a script that can't run.

    Raises:
        TooLarge: It is over the limit.
        ScriptInvalid: It is empty, no UTF-8, or does not compile.
    """
    if len(source) > ctx.limits.max_script_bytes:
        raise TooLarge(
            say("script_of_too_many_bytes", bytes=ctx.limits.max_script_bytes),
            field="script",
            code="script_too_large",
        )
    scripts.check_text(source, name)
    if not ignore_warnings:
        scripts.check_syntax(source, name)


def check_dependencies(archive: Path, script: bytes, script_name: str) -> None:
    """Refuse a zip that can't be extracted beside the script.

    Raises:
        ArchiveRejected: It breaks a rule of `contracts.archives`.
        TooLarge: It is over a limit.
        FieldInvalid: `dependency_conflict`: it holds another file under the script's name.
            `requirements_invalid`: its requirements.txt has what is not allowed.
    """
    listing = archives.inspect(archive).listing
    if any(_clashes(entry, script, script_name) for entry in listing):
        raise FieldInvalid(
            say("zip_holds_script", script=script_name),
            code="dependency_conflict",
            field="dependencies",
            hint="rename one of the two, or remove it from the zip",
        )
    wanted = next((entry for entry in listing if entry.path == REQUIREMENTS_FILE), None)
    if wanted is not None and not wanted.is_directory:
        _check_requirements(archive)


def _clashes(entry: archives.Entry, script: bytes, script_name: str) -> bool:
    """Whether an entry takes the script's place, with other content or as a folder."""
    if entry.path == script_name:
        return entry.is_directory or (entry.size, entry.crc) != (len(script), zlib.crc32(script))
    return entry.path.startswith(f"{script_name}/")


def _check_requirements(archive: Path) -> None:
    try:
        requirements_in(archives.read_file(archive, REQUIREMENTS_FILE, MAX_REQUIREMENTS_BYTES + 1))
    except RequirementsInvalid as problem:
        raise FieldInvalid(
            f"{REQUIREMENTS_FILE} in the zip, which is installed before the script starts: {problem}",
            code="requirements_invalid",
            field="dependencies",
            hint=say("hint_requirements_in_zip"),
        ) from None


def check_uploaded(ctx: Context, create: JobCreate) -> None:
    """Check the script and dependencies that a request names by their SHA-256.

    Raises:
        BlobNotUploaded: One of them has not been uploaded.
        ScriptInvalid: See `check_script`.
        ArchiveRejected: See `check_dependencies`.
        TooLarge: One of them is over its limit.
        FieldInvalid: See `check_dependencies`.
    """
    with ctx.db.read() as session:
        for field, file in (("script", create.script), ("dependencies", create.dependencies)):
            if file is not None and blobs.find(session, file.sha256) is None:
                raise submitting.not_uploaded(field)
    if ctx.objects.size(create.script.sha256) > ctx.limits.max_script_bytes:
        raise TooLarge(
            say("script_of_too_many_bytes", bytes=ctx.limits.max_script_bytes),
            field="script",
            code="script_too_large",
        )
    source = b"".join(ctx.objects.read(create.script.sha256))
    check_script(ctx, source, create.script.name, ignore_warnings=create.ignore_warnings)
    if create.dependencies is not None and not trees.check_beside(
        ctx, create.script, create.dependencies.sha256
    ):
        with ctx.objects.local_copy(create.dependencies.sha256) as archive:
            check_dependencies(archive, source, create.script.name)


def check_runtime(ctx: Context, session: Session, name: str | None) -> str:
    """The runtime's name; the default one if none is named.

    Raises:
        RuntimeUnknown: No worker ever offered it.
    """
    if name is None:
        return ctx.limits.default_runtime
    known = sorted({runtime["name"] for row in workers.all_workers(session) for runtime in row.runtimes})
    if name not in known:
        offered = say("hint_runtimes", names=", ".join(known)) if known else say("hint_no_runtimes")
        raise RuntimeUnknown(
            say("runtime_not_offered", runtime=name),
            field="runtime",
            hint=offered,
            known=known,
        )
    return name


def accept(ctx: Context, session: Session, create: JobCreate, owner: User) -> Job:
    """Put a job whose files were checked into the queue.

    Raises:
        BlobNotUploaded: A file is not (or no longer) there.
        RuntimeUnknown: No worker ever offered the runtime.
        InputUnknown: A job that an input is to come from has nothing to give.
        FieldInvalid: `parameter_unknown`: its arguments or dependency paths refer to a parameter, of which a
            job by itself has none. The environment refers to what there is not; see `secrets.resolve`.
        Forbidden: `s3_bucket_not_allowed`: no connection covers a dependency path.
        SealBroken: A secret that it needs can't be read any more.
    """
    spec = JobSpec(
        **create.model_dump(include=set(JobSpec.model_fields) - {"name", "runtime", *_READ_ONCE}),
        # Here and nowhere else: what is repeated later was read already.
        **{field: substitution.put_in(getattr(create, field), {}, field=field) for field in _READ_ONCE},
        name=create.name or create.script.name,
        runtime=check_runtime(ctx, session, create.runtime),
    )
    return _insert(ctx, session, spec, owner)


def run_again(ctx: Context, session: Session, job_id: str, owner: User) -> Job:
    """A new job with the same specification.

    Raises:
        NotFound: `job_not_found`.
    """
    return _insert(
        ctx, session, JobSpec.model_validate(_find(session, job_id).job.spec), owner, again_of=job_id
    )


def _insert(
    ctx: Context, session: Session, spec: JobSpec, owner: User, *, again_of: str | None = None
) -> Job:
    job, attempt = submitting.insert(ctx, session, spec, owner.id, again_of=again_of)
    return describe(ctx, jobs.JobRecord(job, attempt, owner.name, None))


def get(ctx: Context, session: Session, job_id: str) -> Job:
    """The job.

    Raises:
        NotFound: `job_not_found`.
    """
    return describe(ctx, _find(session, job_id))


def page(
    ctx: Context,
    session: Session,
    wanted: jobs.JobFilter,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Job]:
    """Jobs, newest first; from behind `before` (creation time and id) on."""
    return [describe(ctx, record) for record in jobs.page(session, wanted, before=before, limit=limit)]


def cancel(ctx: Context, session: Session, job_id: str, by: User) -> Job:
    """Cancel the job: at once while no worker has it, else by stopping the script.

    Raises:
        NotFound: `job_not_found`.
        JobEnded: It has ended.
    """
    stop(ctx, session, job_id, say("by_user", name=by.name))
    session.expire_all()
    return describe(ctx, _find(session, job_id))


def stop(ctx: Context, session: Session, job_id: str, why: Sentence) -> None:
    """As `cancel`; `why` ends the sentence in the job's account of itself.

    Raises:
        NotFound: `job_not_found`.
        JobEnded: It has ended.
    """
    now = ctx.clock.now()
    record = _hold_latest(session, job_id)
    if record.job.state in TERMINAL:
        raise JobEnded(say("job_has_ended", state=say(f"state_{record.job.state}")), state=record.job.state)
    first = record.job.cancel_requested_at is None
    ended = attempts.move(
        session,
        record.attempt.id,
        AttemptState.CANCELLED,
        only_from=frozenset({AttemptState.WAITING, AttemptState.ASSIGNED}),
        finished_at=now,
        **spoken(_cancelled(record.attempt)),
    )
    jobs.request_cancel(session, job_id, now)
    state = JobState.CANCELLED if ended else JobState(record.job.state)
    message = _stopped(record.attempt, why) if ended else say("event_asked_to_stop", why=why)
    attempting.note(ctx, session, record.job, state=state, message=message)
    if ended:
        queueing.attempt_changed(ctx, session, record.attempt.id)
    elif first:
        after_commit(session, lambda: attempting.send_cancel(ctx, record.attempt))


def delete(ctx: Context, session: Session, job_id: str) -> None:
    """Remove a job that has ended, with its logs and artifacts.

    Raises:
        NotFound: `job_not_found`.
        JobNotEnded: It has not ended.
    """
    record = _find(session, job_id)
    if record.job.state not in TERMINAL:
        raise JobNotEnded(
            say("job_is", state=say(f"state_{record.job.state}")),
            hint="cancel it and wait for its end",
            state=record.job.state,
        )
    attempt_ids = [row.id for row, _ in jobs.attempts(session, job_id)]
    jobs.remove(session, job_id)

    def forget() -> None:
        for attempt_id in attempt_ids:
            ctx.logs.delete(attempt_id)
        ctx.fanout.wake(job_topic(job_id))

    after_commit(session, forget)


def attempts_of(session: Session, job_id: str) -> list[Attempt]:
    """The job's attempts, first to last.

    Raises:
        NotFound: `job_not_found`.
    """
    _find(session, job_id)
    return [
        Attempt(
            number=row.number,
            state=_public_state(row),
            worker=worker,
            gpus=row.gpus,
            reason=row.reason,
            sentence=row.sentence,
            saying=row.saying,
            exit_code=row.exit_code,
            signal=row.signal,
            created_at=row.created_at,
            claimed_at=row.claimed_at,
            started_at=row.started_at,
            script_ended_at=row.script_ended_at,
            finished_at=row.finished_at,
        )
        for row, worker in jobs.attempts(session, job_id)
    ]


def events_of(session: Session, job_id: str, *, after: int = 0) -> list[JobEvent]:
    """The job's events with a number above `after`.

    Raises:
        NotFound: `job_not_found`.
    """
    _find(session, job_id)
    return [
        JobEvent.model_validate(row, from_attributes=True)
        for row in jobs.events(session, job_id, after=after)
    ]


def describe(ctx: Context, record: jobs.JobRecord) -> Job:
    """The job as the API tells it."""
    job, attempt = record.job, record.attempt
    return Job(
        id=job.id,
        name=job.name,
        owner=record.owner,
        state=JobState(job.state),
        unreachable=bool(record.worker and record.worker.unreachable and attempt.state in CLAIMED),
        waiting=_waiting(ctx, record),
        progress=ctx.progress.get(attempt.id) if attempt.state == AttemptState.STAGING else None,
        cancel_requested=job.cancel_requested_at is not None,
        reason=job.reason,
        sentence=job.sentence,
        saying=job.saying,
        exit_code=job.exit_code,
        signal=job.signal,
        attempt=job.attempt,
        worker=record.worker.name if record.worker else None,
        spec=JobSpec.model_validate(job.spec),
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        run_again_of=job.run_again_of,
        run=job.run_id,
        node=job.node,
    )


def _waiting(ctx: Context, record: jobs.JobRecord) -> Waiting | None:
    if record.attempt.state == AttemptState.ASSIGNED and record.worker:
        return Waiting.said(1, say("wait_placed", worker=record.worker.name))
    if record.attempt.state != AttemptState.WAITING:
        return None
    fresh = Waiting.said(len(ctx.queue) + 1, say("wait_unplanned"))
    return ctx.queue.why(record.attempt.id) or fresh


def _public_state(row: AttemptRow) -> JobState:
    queued = row.state in {AttemptState.WAITING, AttemptState.ASSIGNED}
    return JobState.QUEUED if queued else JobState(row.state)


def _cancelled(row: AttemptRow) -> Sentence:
    if row.number == 1:
        return say("cancelled_before_start")
    return say("cancelled_before_attempt", attempt=row.number)


def _stopped(row: AttemptRow, why: Sentence) -> Sentence:
    if row.number == 1:
        return say("event_cancelled_before_start", why=why)
    return say("event_cancelled_before_attempt", attempt=row.number, why=why)


def _hold_latest(session: Session, job_id: str) -> jobs.JobRecord:
    """The job, with its latest attempt locked: nobody can end that one and queue the next meanwhile."""
    record = _find(session, job_id)
    while True:
        attempts.find(session, record.attempt.id, lock=True)
        session.expire_all()
        held, record = record.attempt.id, _find(session, job_id)
        if record.attempt.id == held:
            return record


def _find(session: Session, job_id: str) -> jobs.JobRecord:
    record = jobs.find(session, job_id)
    if record is None:
        raise NotFound("there is no job with this id", code="job_not_found")
    return record
