"""Telling the scheduler what to look at again, once it is committed."""

from functools import partial

from sqlalchemy.orm import Session

from torchyard.services.context import QUEUE_TOPIC, Context
from torchyard.storage.database import after_commit


def attempt_changed(ctx: Context, session: Session, attempt_id: str) -> None:
    """An attempt waits, or holds something of a worker, or does neither any more."""
    after_commit(session, partial(ctx.queue.note_attempt, attempt_id))
    _wake(ctx, session)


def worker_changed(ctx: Context, session: Session, worker_id: str) -> None:
    """A worker came, went, or has something else to give."""
    after_commit(session, partial(ctx.queue.note_worker, worker_id))
    _wake(ctx, session)


def quota_changed(ctx: Context, session: Session, user_id: str) -> None:
    """A user may hold more or less than before."""
    after_commit(session, partial(ctx.queue.note_owner, user_id))
    _wake(ctx, session)


def _wake(ctx: Context, session: Session) -> None:
    after_commit(session, ctx.queue.announce)
    after_commit(session, partial(ctx.fanout.wake, QUEUE_TOPIC))
