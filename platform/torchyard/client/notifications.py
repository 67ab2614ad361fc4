"""`client.notifications`: webhooks that are told when a workflow's run ends."""

import uuid
from collections.abc import Iterator
from urllib.parse import quote

from pydantic import TypeAdapter

from torchyard.client.connection import Connection as Http
from torchyard.client.connection import Page
from torchyard.contracts.notifications import Delivery, Notification, NotificationCreated, Outcomes

_CREATED = TypeAdapter(NotificationCreated)
_NOTIFICATIONS = TypeAdapter(list[Notification])
_DELIVERY = TypeAdapter(Delivery)
_DELIVERIES = TypeAdapter(Page[Delivery])


class Notifications:
    """The verbs of a workflow's webhooks."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def add(
        self,
        workflow_id: str,
        url: str,
        on: Outcomes | str = Outcomes.BOTH,
        *,
        idempotency_key: str | None = None,
    ) -> NotificationCreated:
        """Add a webhook. The key of its signatures is told this once.

        Args:
            workflow_id: The workflow.
            url: Where messages are sent to, by POST.
            on: Which ends of a run are told: `success`, `failure` or `both`.
            idempotency_key: Two calls with the same key add one webhook, for a day.
        """
        body = {"url": url, "on": on}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        path = _path(workflow_id)
        return self._http.ask(_CREATED, "POST", path, repeatable=True, json=body, headers=headers)

    def all(self, workflow_id: str) -> list[Notification]:
        """The workflow's webhooks, oldest first, without their keys."""
        return self._http.ask(_NOTIFICATIONS, "GET", _path(workflow_id))

    def remove(self, workflow_id: str, notification_id: str) -> None:
        """Forget a webhook, and the messages to it."""
        self._http.request("DELETE", _path(workflow_id, notification_id))

    def test(self, workflow_id: str, notification_id: str) -> Delivery:
        """Have a message of the type `test` sent at once; what became of it."""
        path = f"{_path(workflow_id, notification_id)}/test"
        return self._http.ask(_DELIVERY, "POST", path, repeatable=False)

    def deliveries(self, workflow_id: str, notification_id: str) -> Iterator[Delivery]:
        """What became of the messages, newest first, asked for part by part as they are used."""
        return self._http.listed(_DELIVERIES, f"{_path(workflow_id, notification_id)}/deliveries", {})


def _path(workflow_id: str, notification_id: str | None = None) -> str:
    path = f"/workflows/{quote(workflow_id, safe='')}/notifications"
    return path if notification_id is None else f"{path}/{quote(notification_id, safe='')}"
