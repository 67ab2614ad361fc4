"""Artifacts are kept as long, and as many, as the settings say; what goes is named in system.log."""

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from torchyard.contracts.jobs import JobState
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
            _remove(ctx, session, job, f"the job ended more than {_in_words(age)} ago")
            return True
    if most is not None and (kept := retention.kept_bytes(session)) > most:
        job = retention.oldest(session)
        if job is not None:
            _remove(ctx, session, job, f"all jobs' artifacts took {kept} bytes, and {most} are kept")
            return True
    return False


def _remove(ctx: Context, session: Session, job: JobRow, reason: str) -> None:
    files = retention.remove_artifacts(session, job.id, ctx.clock.now())
    named = ", ".join(path for path, _ in files[:_NAMED])
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    count = f"{len(files)} artifact{'s' if len(files) != 1 else ''}"
    message = f"removed {count} ({sum(size for _, size in files)} bytes), as {reason}: {named}{more}"
    attempts.note(ctx, session, job, state=JobState(job.state), message=message)
    log.info("artifacts_removed", job=job.id, files=len(files), reason=reason)


def _in_words(age: timedelta) -> str:
    seconds = age.total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            amount = f"{seconds / length:.4g}"
            return f"{amount} {unit}{'s' if amount != '1' else ''}"
    return f"{seconds:.4g} seconds"
