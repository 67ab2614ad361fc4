"""Telling webhooks that a run has ended.

A message is written in the transaction that ends the run, and sent by a background pass, which may send it
twice if the platform is killed in between: its id is the same then, so that the receiver can tell.
"""

import secrets
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from torchyard.contracts.notifications import (
    MAX_NOTIFICATIONS,
    Delivery,
    DeliveryState,
    EndedRun,
    Notification,
    NotificationCreate,
    NotificationCreated,
    Outcomes,
    WebhookMessage,
)
from torchyard.contracts.runs import RunState, Trigger
from torchyard.contracts.sayings import say
from torchyard.domain import deliveries
from torchyard.errors import Conflict, Forbidden, NotFound, SealBroken, Unavailable
from torchyard.services.context import DELIVERIES_TOPIC, Context
from torchyard.storage import notifications
from torchyard.storage.database import after_commit
from torchyard.storage.workflow_tables import DeliveryRow, NotificationRow, RunRow, WorkflowRow

log = structlog.get_logger()

#: Messages that are sent at once: one webhook that does not answer must not hold up all others.
_AT_ONCE = 8
#: A message that a killed platform had in hand is sent again after this.
_IN_HAND = timedelta(seconds=60)
_KEY_BYTES = 32
#: Characters of an answer that are kept when it was no success.
_QUOTED = 300


def add(ctx: Context, session: Session, workflow_id: str, wanted: NotificationCreate) -> NotificationCreated:
    """Add a webhook to the workflow; its secret is told now and never again.

    Raises:
        NotFound: `workflow_not_found`.
        Conflict: `notifications_full`.
    """
    _workflow(session, workflow_id, lock=True)
    if notifications.count(session, workflow_id) >= MAX_NOTIFICATIONS:
        raise Conflict(
            say("webhooks_at_most", most=MAX_NOTIFICATIONS),
            code="notifications_full",
            hint=say("hint_remove_webhook"),
        )
    secret = deliveries.secret_of(secrets.token_bytes(_KEY_BYTES))
    row = NotificationRow(
        id=str(uuid.uuid4()),
        workflow_id=workflow_id,
        url=wanted.url,
        on=wanted.on,
        sealed=ctx.sealer.seal(secret),
        created_at=ctx.clock.now(),
    )
    session.add(row)
    session.flush()
    return NotificationCreated(**_told(row).model_dump(), secret=secret)


def added(ctx: Context, session: Session, workflow_id: str, notification_id: str) -> NotificationCreated:
    """What `add` gave: for who asked for the very same again, as the first answer may have been lost.

    Raises:
        NotFound: `notification_not_found`.
        SealBroken: Its secret can't be read any more.
    """
    row = _find(session, workflow_id, notification_id)
    secret = ctx.sealer.unseal(row.sealed, "the webhook's secret")
    return NotificationCreated(**_told(row).model_dump(), secret=secret)


def all_of(session: Session, workflow_id: str) -> list[Notification]:
    """The workflow's webhooks, oldest first.

    Raises:
        NotFound: `workflow_not_found`.
    """
    _workflow(session, workflow_id)
    return [_told(row) for row in notifications.of_workflow(session, workflow_id)]


def remove(session: Session, workflow_id: str, notification_id: str) -> None:
    """Forget a webhook, and the messages to it.

    Raises:
        NotFound: `notification_not_found`.
    """
    notifications.remove(session, _find(session, workflow_id, notification_id).id)


def deliveries_of(
    session: Session,
    workflow_id: str,
    notification_id: str,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Delivery]:
    """What became of the messages to a webhook, newest first.

    Raises:
        NotFound: `notification_not_found`.
    """
    found = _find(session, workflow_id, notification_id)
    return [_delivery(row) for row in notifications.deliveries(session, found.id, before=before, limit=limit)]


def run_ended(ctx: Context, session: Session, run: RunRow) -> None:
    """Write the messages that the end of this run leads to; in the transaction that ends it."""
    if run.workflow_id is None:
        return
    state = RunState(run.state)
    wanting = [
        row
        for row in notifications.of_workflow(session, run.workflow_id)
        if deliveries.wants(Outcomes(row.on), state)
    ]
    if not wanting:
        return
    now = ctx.clock.now()
    body = WebhookMessage(
        type=f"run.{state}", timestamp=run.finished_at or now, data=_ended(session, run, run.workflow_id)
    )
    session.add_all(_row(ctx, row.id, body, run_id=run.id, next_at=now) for row in wanting)
    session.flush()
    after_commit(session, lambda: ctx.fanout.wake(DELIVERIES_TOPIC))


def send_test(ctx: Context, workflow_id: str, notification_id: str) -> Delivery:
    """Send a message at once, which is not sent again; what became of it.

    Raises:
        NotFound: `notification_not_found`.
    """
    with ctx.db.read() as session:
        notification = _find(session, workflow_id, notification_id)
    row = _row(ctx, notification.id, WebhookMessage(type="test", timestamp=ctx.clock.now()))
    status, problem = _post(ctx, notification, row)
    row.tries, row.status, row.problem, row.finished_at = 1, status, problem, ctx.clock.now()
    row.state = DeliveryState.FAILED if problem else DeliveryState.DELIVERED
    told = _delivery(row)
    with ctx.db.write() as session:
        _find(session, workflow_id, notification_id)
        session.add(row)
    return told


def deliver(ctx: Context) -> float | None:
    """Send what is to be sent now; in how many seconds there is more to do, if that is known."""
    now = ctx.clock.now()
    with ctx.db.read() as session:
        due = notifications.due(session, now, limit=_AT_ONCE)
    if due:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook") as senders:
            _finish(senders.map(lambda one: _deliver_one(ctx, one), due))
    with ctx.db.read() as session:
        coming = notifications.next_due(session)
    return None if coming is None else max(0.0, (coming - ctx.clock.now()).total_seconds())


def rotate(ctx: Context, session: Session) -> tuple[int, list[str]]:
    """Encrypt all webhooks' secrets with the newest key; how many those were, and what no key opens."""
    renewed, unreadable = 0, []
    for row in notifications.all_of(session):
        try:
            row.sealed = ctx.sealer.renew(row.sealed, row.url)
            renewed += 1
        except SealBroken:
            unreadable.append(f"webhook {row.url}")
    return renewed, unreadable


def _finish(done: Iterable[None]) -> None:
    for _ in done:  # raises what a sender raised
        pass


def _deliver_one(ctx: Context, due: notifications.Due) -> None:
    row, now = due.delivery, ctx.clock.now()
    assert row.next_at is not None
    with ctx.db.write() as session:
        if not notifications.take(session, row.id, row.next_at, now + _IN_HAND):
            return
    tries = row.tries + 1
    status, problem = _post(ctx, due.notification, row)
    values: dict[str, Any] = {"status": status, "problem": problem, "next_at": None}
    now = ctx.clock.now()
    if problem is None:
        values |= {"state": DeliveryState.DELIVERED, "finished_at": now}
    elif (again := deliveries.next_try(tries, status, now)) is not None:
        values["next_at"] = again
    else:
        values |= {"state": DeliveryState.FAILED, "finished_at": now}
    with ctx.db.write() as session:
        notifications.settle(session, row.id, tries, values)
    log.info("webhook_sent", delivery=row.id, status=status, problem=problem, tries=tries)


def _post(ctx: Context, notification: NotificationRow, row: DeliveryRow) -> tuple[int | None, str | None]:
    """The answer's status, and what went wrong."""
    body = row.body.encode()
    try:
        secret = ctx.sealer.unseal(notification.sealed, "the webhook's secret")
        answer = ctx.webhooks.post(
            notification.url, deliveries.headers(secret, row.id, ctx.clock.now(), body), body
        )
    except (Forbidden, Unavailable, SealBroken) as problem:
        return None, _storable(problem.message)
    if deliveries.came_through(answer.status):
        return answer.status, None
    quoted = " ".join(answer.body.decode("utf-8", "replace").split())[:_QUOTED]
    return answer.status, _storable(f"answered {answer.status}" + (f": {quoted}" if quoted else ""))


def _row(
    ctx: Context,
    notification_id: str,
    message: WebhookMessage,
    *,
    run_id: str | None = None,
    next_at: datetime | None = None,
) -> DeliveryRow:
    return DeliveryRow(
        id=str(uuid.uuid4()),
        notification_id=notification_id,
        run_id=run_id,
        body=message.model_dump_json(),
        state=DeliveryState.PENDING,
        tries=0,
        next_at=next_at,
        created_at=ctx.clock.now(),
    )


def _ended(session: Session, run: RunRow, workflow_id: str) -> EndedRun:
    workflow = session.get_one(WorkflowRow, workflow_id)
    return EndedRun(
        run=run.id,
        name=run.name,
        workflow=workflow_id,
        workflow_name=workflow.name,
        version=run.version,
        number=run.number,
        state=RunState(run.state),
        sentence=run.sentence,
        trigger=Trigger(run.trigger),
        data_time=run.data_time,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def _workflow(session: Session, workflow_id: str, *, lock: bool = False) -> None:
    if session.get(WorkflowRow, workflow_id, with_for_update=lock or None) is None:
        raise NotFound("there is no workflow with this id", code="workflow_not_found")


def _find(session: Session, workflow_id: str, notification_id: str) -> NotificationRow:
    row = notifications.find(session, workflow_id, notification_id)
    if row is None:
        raise NotFound("the workflow has no webhook with this id", code="notification_not_found")
    return row


def _told(row: NotificationRow) -> Notification:
    return Notification(id=row.id, url=row.url, on=Outcomes(row.on), created_at=row.created_at)


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        run=row.run_id,
        state=DeliveryState(row.state),
        tries=row.tries,
        next_at=row.next_at,
        status=row.status,
        problem=row.problem,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd")
