"""Artifacts are kept as long, and as many, as the settings say; what goes is named in system.log."""

import structlog
from sqlalchemy.orm import Session

from torchyard.contracts.jobs import JobState
from torchyard.contracts.sayings import Sentence, say
from torchyard.domain import durations
from torchyard.services import attempts
from torchyard.services.context import Context
from torchyard.storage import retention
from torchyard.storage.tables import JobRow

log = structlog.get_logger()

#: Jobs whose artifacts go in one pass: the rest follows in the next.
_MAX_JOBS = 500
#: Files named of one job.
_NAMED = 20


def enforce(ctx: Context) -> None:
    """Remove artifacts that are too old, then the oldest while there are too many bytes.

    Their blobs go when nothing else refers to them, a day after their last use.
    """
    for _ in range(_MAX_JOBS):
        with ctx.db.write() as session:
            if not _remove_next(ctx, session):
                return


def _remove_next(ctx: Context, session: Session) -> bool:
    age, most = ctx.limits.artifact_max_age, ctx.limits.artifact_max_total_bytes
    if age is not None:
        job = retention.oldest(session, before=ctx.clock.now() - age)
        if job is not None:
            _remove(ctx, session, job, say("removed_as_old", age=durations.in_words(age.total_seconds())))
            return True
    if most is not None and (kept := retention.kept_bytes(session)) > most:
        job = retention.oldest(session)
        if job is not None:
            _remove(ctx, session, job, say("removed_as_too_much", bytes=kept, most=most))
            return True
    return False


def _remove(ctx: Context, session: Session, job: JobRow, reason: Sentence) -> None:
    files = retention.remove_artifacts(session, job.id, ctx.clock.now())
    more = say("and_others", count=len(files) - _NAMED) if len(files) > _NAMED else ""
    message = say(
        "event_artifacts_removed",
        count=len(files),
        bytes=sum(size for _, size in files),
        reason=reason,
        names=", ".join(path for path, _ in files[:_NAMED]),
        more=more,
    )
    attempts.note(ctx, session, job, state=JobState(job.state), message=message)
    log.info("artifacts_removed", job=job.id, files=len(files), reason=reason)
