"""Webhooks that are told when a workflow's run ends."""

from fastapi import APIRouter, Response

from torchyard import errors
from torchyard.api import pagination
from torchyard.api.dependencies import ContextDep, NotificationId, UserDep, WorkflowId
from torchyard.api.idempotency import ReservationDep, replayed
from torchyard.api.pagination import CursorQuery, LimitQuery, Page
from torchyard.api.problems import responses
from torchyard.contracts.notifications import (
    Delivery,
    Notification,
    NotificationCreate,
    NotificationCreated,
)
from torchyard.services import notifications

router = APIRouter(prefix="/workflows/{workflow_id}/notifications", tags=["notifications"])


@router.post(
    "",
    status_code=201,
    responses={
        200: {
            "model": NotificationCreated,
            "description": "The webhook that this very request added before.",
        },
        **responses(
            errors.InvalidInput,
            errors.Malformed,
            errors.TooLarge,
            errors.NotFound,
            errors.Conflict,
            errors.IdempotencyKeyReused,
            errors.IdempotencyInProgress,
        ),
    },
)
def add(
    ctx: ContextDep,
    _user: UserDep,
    reservation: ReservationDep,
    workflow_id: WorkflowId,
    wanted: NotificationCreate,
    response: Response,
) -> NotificationCreated:
    """Add a webhook. The key of its signatures is in this answer, and never told again."""
    wish = f"notification {workflow_id} {wanted.model_dump_json()}"
    earlier = replayed(reservation, wish, response)
    if earlier is not None:
        with ctx.db.read() as session:
            return notifications.added(ctx, session, workflow_id, earlier)
    with ctx.db.write() as session:
        made = notifications.add(ctx, session, workflow_id, wanted)
        reservation.complete(session, wish, made.id)
    return made


@router.get("", responses=responses(errors.NotFound))
def all_of(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId) -> list[Notification]:
    """List a workflow's webhooks, oldest first."""
    with ctx.db.read() as session:
        return notifications.all_of(session, workflow_id)


@router.delete("/{notification_id}", status_code=204, responses=responses(errors.NotFound))
def delete(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId, notification_id: NotificationId) -> None:
    """Remove a webhook, and the messages to it."""
    with ctx.db.write() as session:
        notifications.remove(session, workflow_id, notification_id)


@router.post("/{notification_id}/test", responses=responses(errors.NotFound))
def test(
    ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId, notification_id: NotificationId
) -> Delivery:
    """Send a message of the type `test` at once, and tell what became of it; it is sent once."""
    return notifications.send_test(ctx, workflow_id, notification_id)


@router.get(
    "/{notification_id}/deliveries",
    responses=responses(errors.NotFound, errors.InvalidInput, errors.CursorInvalid),
)
def deliveries(
    ctx: ContextDep,
    _user: UserDep,
    workflow_id: WorkflowId,
    notification_id: NotificationId,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> Page[Delivery]:
    """List the messages to a webhook and what became of them, newest first."""
    before = pagination.decode(cursor) if cursor else None
    with ctx.db.read() as session:
        found = notifications.deliveries_of(
            session, workflow_id, notification_id, before=before, limit=limit + 1
        )
    return pagination.page(found, limit, lambda delivery: (delivery.created_at, delivery.id))
