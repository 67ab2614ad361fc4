import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import admin
from tests.flows import carry_out, end, make_workflow

from torchyard.contracts.graphs import Graph
from torchyard.contracts.notifications import (
    MAX_NOTIFICATIONS,
    Delivery,
    DeliveryState,
    NotificationCreate,
    NotificationCreated,
)
from torchyard.contracts.runs import RunRequest, Trigger
from torchyard.domain.deliveries import MAX_TRIES
from torchyard.errors import Conflict, Forbidden, NotFound, Unavailable
from torchyard.ports import WebhookAnswer
from torchyard.services import notifications, runs, workflows
from torchyard.services.context import DELIVERIES_TOPIC, Context
from torchyard.services.sealing import Sealer, new_key
from torchyard.testing import FixedClock, RecordingWebhooks, SentMessage

URL = "https://hooks.example.org/torchyard"


@pytest.fixture
def workflow(ctx: Context) -> str:
    return make_workflow(ctx)


def add(ctx: Context, workflow_id: str, **wanted: Any) -> NotificationCreated:
    wish = NotificationCreate.model_validate({"url": URL, **wanted})
    with ctx.db.write() as session:
        return notifications.add(ctx, session, workflow_id, wish)


def ended(ctx: Context, workflow_id: str, *, exit_code: int = 0) -> str:
    """A run of the workflow that has ended."""
    owner = admin(ctx)
    with ctx.db.write() as session:
        version = workflows.latest(session, workflow_id)[1]
        graph: Graph = workflows.graph_of(version)
        wish = runs.Wish(
            graph=graph,
            request=RunRequest(name="tuesday"),
            trigger=Trigger.MANUAL,
            workflow_id=workflow_id,
            version=version.number,
        )
        run_id = runs.create(ctx, session, wish, owner)
    return end(ctx, run_id, exit_code=exit_code).id


def hooks(ctx: Context) -> RecordingWebhooks:
    assert isinstance(ctx.webhooks, RecordingWebhooks)
    return ctx.webhooks


def deliveries(ctx: Context, workflow_id: str, notification_id: str) -> list[Delivery]:
    with ctx.db.read() as session:
        return notifications.deliveries_of(session, workflow_id, notification_id, before=None, limit=50)


def check_signature(message: SentMessage, secret: str) -> None:
    """As a receiver does."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = (
        f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
    )
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert message.headers["webhook-signature"] == f"v1,{expected}"


def test_the_end_of_a_run_is_told_with_a_signature(ctx: Context, workflow: str) -> None:
    hook = add(ctx, workflow)
    run_id = ended(ctx, workflow)
    assert notifications.deliver(ctx) is None
    (message,) = hooks(ctx).sent
    assert message.url == URL
    check_signature(message, hook.secret)
    told = json.loads(message.body)
    assert told["type"] == "run.succeeded"
    assert {
        name: told["data"][name] for name in ("run", "workflow", "name", "number", "state", "trigger")
    } == {
        "run": run_id,
        "workflow": workflow,
        "name": "tuesday",
        "number": 1,
        "state": "succeeded",
        "trigger": "manual",
    }
    (delivery,) = deliveries(ctx, workflow, hook.id)
    assert (delivery.state, delivery.status, delivery.tries) == (DeliveryState.DELIVERED, 204, 1)
    assert delivery.id == message.headers["webhook-id"]
    assert delivery.run == run_id


def test_each_webhook_is_told_of_the_ends_that_it_wants(ctx: Context, workflow: str) -> None:
    wanted = {on: add(ctx, workflow, on=on).id for on in ("success", "failure", "both")}
    ended(ctx, workflow)
    ended(ctx, workflow, exit_code=1)
    notifications.deliver(ctx)
    assert {on: len(deliveries(ctx, workflow, one)) for on, one in wanted.items()} == {
        "success": 1,
        "failure": 1,
        "both": 2,
    }


def test_who_waits_for_messages_is_woken_and_nothing_is_sent_before_the_run_ended(
    ctx: Context, workflow: str
) -> None:
    add(ctx, workflow)
    woken: list[str] = []
    ctx.fanout.subscribe(DELIVERIES_TOPIC, lambda: woken.append("woken"))
    carry_out(ctx)
    assert woken == []
    ended(ctx, workflow)
    assert woken == ["woken"]


def test_a_message_that_does_not_come_through_is_sent_again_under_the_same_id(
    ctx: Context, workflow: str
) -> None:
    hook = add(ctx, workflow)
    ended(ctx, workflow)
    hooks(ctx).answer = WebhookAnswer(503, b"  come back\nlater\x00 ")
    assert isinstance(ctx.clock, FixedClock)
    assert notifications.deliver(ctx) == 15
    (delivery,) = deliveries(ctx, workflow, hook.id)
    assert delivery.state is DeliveryState.PENDING
    assert delivery.status == 503
    assert delivery.problem == "answered 503: come back later\ufffd"
    assert notifications.deliver(ctx) == 15
    assert len(hooks(ctx).sent) == 1
    ctx.clock.advance(15)
    hooks(ctx).answer = WebhookAnswer(200, b"")
    assert notifications.deliver(ctx) is None
    first, second = hooks(ctx).sent
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    check_signature(second, hook.secret)
    (delivery,) = deliveries(ctx, workflow, hook.id)
    assert (delivery.state, delivery.status, delivery.tries) == (DeliveryState.DELIVERED, 200, 2)
    assert delivery.problem is None


@pytest.mark.parametrize(
    "answer",
    [
        Unavailable("nobody there", code="webhook_unreachable"),
        Forbidden("no", code="webhook_address_refused"),
    ],
    ids=["unreachable", "refused"],
)
def test_a_message_is_given_up_after_its_last_try_within_a_day(
    ctx: Context, workflow: str, answer: Unavailable | Forbidden
) -> None:
    hook = add(ctx, workflow)
    ended(ctx, workflow)
    hooks(ctx).answer = answer
    assert isinstance(ctx.clock, FixedClock)
    start = ctx.clock.now()
    while (waits := notifications.deliver(ctx)) is not None:
        ctx.clock.advance(waits)
    assert len(hooks(ctx).sent) == MAX_TRIES
    assert ctx.clock.now() - start < timedelta(days=1)
    (delivery,) = deliveries(ctx, workflow, hook.id)
    assert (delivery.state, delivery.tries) == (DeliveryState.FAILED, MAX_TRIES)
    assert delivery.problem == answer.message


class Killed(BaseException):
    """The process is gone."""


def test_a_message_that_a_killed_platform_had_in_hand_is_sent_again(ctx: Context, workflow: str) -> None:
    hook = add(ctx, workflow)
    ended(ctx, workflow)

    class Dying:
        def post(self, *_: object) -> WebhookAnswer:
            raise Killed

    with pytest.raises(Killed):
        notifications.deliver(dataclasses.replace(ctx, webhooks=Dying()))
    assert isinstance(ctx.clock, FixedClock)
    waits = notifications.deliver(ctx)
    assert hooks(ctx).sent == []
    assert waits is not None
    ctx.clock.advance(waits)
    notifications.deliver(ctx)
    (delivery,) = deliveries(ctx, workflow, hook.id)
    assert (delivery.state, delivery.tries) == (DeliveryState.DELIVERED, 2)


def test_a_test_is_sent_at_once_and_only_once(ctx: Context, workflow: str) -> None:
    hook = add(ctx, workflow)
    assert notifications.send_test(ctx, workflow, hook.id).state is DeliveryState.DELIVERED
    (message,) = hooks(ctx).sent
    assert json.loads(message.body)["type"] == "test"
    check_signature(message, hook.secret)
    hooks(ctx).answer = WebhookAnswer(500, b"")
    told = notifications.send_test(ctx, workflow, hook.id)
    assert (told.state, told.status, told.problem) == (DeliveryState.FAILED, 500, "answered 500")
    assert notifications.deliver(ctx) is None
    assert {one.id for one in deliveries(ctx, workflow, hook.id)} == {
        message.headers["webhook-id"],
        told.id,
    }


def test_many_messages_are_sent_pass_by_pass(ctx: Context, workflow: str) -> None:
    for _ in range(MAX_NOTIFICATIONS):
        add(ctx, workflow)
    ended(ctx, workflow)
    while notifications.deliver(ctx) is not None:
        pass
    assert len(hooks(ctx).sent) == MAX_NOTIFICATIONS
    with pytest.raises(Conflict) as refused:
        add(ctx, workflow)
    assert refused.value.code == "notifications_full"


def test_the_secret_is_sealed_and_moves_to_a_new_key(ctx: Context, workflow: str) -> None:
    old, new = new_key(), new_key()
    before, both, after = (
        dataclasses.replace(ctx, sealer=Sealer(keys)) for keys in ([old], [new, old], [new])
    )
    hook = add(before, workflow)
    with ctx.db.write() as session:
        (row,) = notifications.notifications.of_workflow(session, workflow)
        assert hook.secret not in row.sealed
        assert notifications.rotate(both, session) == (1, [])
    assert notifications.send_test(after, workflow, hook.id).state is DeliveryState.DELIVERED
    check_signature(hooks(ctx).sent[0], hook.secret)
    told = notifications.send_test(before, workflow, hook.id)
    assert told.state is DeliveryState.FAILED
    with ctx.db.write() as session:
        assert notifications.rotate(before, session) == (0, [f"webhook {URL}"])


def test_a_webhook_that_was_removed_is_told_nothing_more(ctx: Context, workflow: str) -> None:
    hook = add(ctx, workflow)
    ended(ctx, workflow)
    with ctx.db.write() as session:
        notifications.remove(session, workflow, hook.id)
    assert notifications.deliver(ctx) is None
    assert hooks(ctx).sent == []
    with pytest.raises(NotFound):
        deliveries(ctx, workflow, hook.id)
