"""Queries about webhooks and the messages to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from torchyard.contracts.notifications import DeliveryState
from torchyard.storage.workflow_tables import DeliveryRow, NotificationRow


class Due(NamedTuple):
    """A message that is to be sent now, and the webhook it goes to."""

    delivery: DeliveryRow
    notification: NotificationRow


def of_workflow(session: Session, workflow_id: str) -> list[NotificationRow]:
    """The workflow's webhooks, oldest first."""
    query = select(NotificationRow).where(NotificationRow.workflow_id == workflow_id)
    return list(session.scalars(query.order_by(NotificationRow.created_at, NotificationRow.id)))


def count(session: Session, workflow_id: str) -> int:
    """How many webhooks the workflow has."""
    query = select(func.count()).where(NotificationRow.workflow_id == workflow_id)
    return session.scalar(query) or 0


def find(session: Session, workflow_id: str, notification_id: str) -> NotificationRow | None:
    """A webhook of the workflow."""
    query = select(NotificationRow).where(
        NotificationRow.id == notification_id, NotificationRow.workflow_id == workflow_id
    )
    return session.scalars(query).one_or_none()


def all_of(session: Session) -> list[NotificationRow]:
    """Every webhook, each kept from being changed until this transaction ends."""
    return list(session.scalars(select(NotificationRow).order_by(NotificationRow.id).with_for_update()))


def remove(session: Session, notification_id: str) -> None:
    """Forget the webhook, and the messages to it."""
    session.execute(delete(NotificationRow).where(NotificationRow.id == notification_id))


def deliveries(
    session: Session, notification_id: str, *, before: tuple[datetime, str] | None, limit: int
) -> list[DeliveryRow]:
    """Messages to the webhook, newest first; from behind `before` (creation time and id) on."""
    query = select(DeliveryRow).where(DeliveryRow.notification_id == notification_id)
    if before:
        query = query.where(tuple_(DeliveryRow.created_at, DeliveryRow.id) < before)
    newest_first = (DeliveryRow.created_at.desc(), DeliveryRow.id.desc())
    return list(session.scalars(query.order_by(*newest_first).limit(limit)))


def due(session: Session, now: datetime, *, limit: int) -> list[Due]:
    """Messages that are to be sent by now, the longest due first."""
    query = (
        select(DeliveryRow, NotificationRow)
        .join(NotificationRow, NotificationRow.id == DeliveryRow.notification_id)
        .where(DeliveryRow.next_at <= now)
        .order_by(DeliveryRow.next_at, DeliveryRow.id)
        .limit(limit)
    )
    return [Due(*row) for row in session.execute(query)]


def next_due(session: Session) -> datetime | None:
    """When the next message is to be sent."""
    return session.scalar(
        select(DeliveryRow.next_at)
        .where(DeliveryRow.next_at.is_not(None))
        .order_by(DeliveryRow.next_at)
        .limit(1)
    )


def take(session: Session, delivery_id: str, due_at: datetime, until: datetime) -> bool:
    """Have nobody else send the message until then; whether it was still to be sent."""
    query = (
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.next_at == due_at)
        .values(next_at=until, tries=DeliveryRow.tries + 1)
        .returning(DeliveryRow.id)
    )
    return session.scalar(query.execution_options(synchronize_session=False)) is not None


def settle(session: Session, delivery_id: str, tries: int, values: Mapping[str, Any]) -> None:
    """Note what became of a try, unless a later one was begun meanwhile."""
    query = update(DeliveryRow).where(
        DeliveryRow.id == delivery_id,
        DeliveryRow.tries == tries,
        DeliveryRow.state == DeliveryState.PENDING,
    )
    session.execute(query.values(**values).execution_options(synchronize_session=False))
