"""Who is told when a workflow's run ends: webhooks, and what became of each message."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from torchyard.contracts.jobs import Text
from torchyard.contracts.models import Lenient, Strict
from torchyard.contracts.runs import RunState, Trigger

#: Webhooks of one workflow.
MAX_NOTIFICATIONS = 20
#: Bytes of an answer that are read.
MAX_ANSWER_BYTES = 16 * 1024


class Outcomes(StrEnum):
    """Which ends of a run are told."""

    SUCCESS = "success"
    FAILURE = "failure"
    #: Every end, also of a run that a person stopped.
    BOTH = "both"


class DeliveryState(StrEnum):
    """What became of a message."""

    #: It has not come through, and is tried again.
    PENDING = "pending"
    #: It was answered with a status of 200 to 299.
    DELIVERED = "delivered"
    #: It was given up.
    FAILED = "failed"


def _url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        user = "@" in parts.netloc
    except ValueError:
        usable = user = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise PydanticCustomError("webhook_url_invalid", "must be a http or https URL, in ASCII")
    if user or "#" in url:
        raise PydanticCustomError("webhook_url_invalid", "must have neither a user nor a fragment")
    return url


class NotificationCreate(Strict):
    """A webhook to add."""

    url: Annotated[
        Text,
        Field(
            max_length=2_000, description="Where messages are sent to, by POST: `https://…` or `http://…`."
        ),
        AfterValidator(_url),
    ]
    on: Outcomes = Field(Outcomes.BOTH, description="The ends of a run that it is told of.")


class Notification(Lenient):
    """A webhook."""

    id: str = Field(description="The webhook's UUID.")
    url: str = Field(description="Where messages are sent to.")
    on: Outcomes = Field(description="The ends of a run that it is told of.")
    created_at: datetime = Field(description="When it was added.")


class NotificationCreated(Notification):
    """A webhook that was just added."""

    secret: str = Field(
        description="The key of its signatures, by the scheme of Standard Webhooks: `whsec_` and base64. "
        "It is told this once."
    )


class Delivery(Lenient):
    """A message to a webhook, and what became of it."""

    id: str = Field(description="Its UUID; the header `webhook-id` of each try.")
    run: str | None = Field(None, description="The run that ended; null for a test.")
    state: DeliveryState = Field(description="Whether it came through.")
    tries: int = Field(description="How often it was sent.")
    next_at: datetime | None = Field(None, description="When it is tried again.")
    status: int | None = Field(None, description="The HTTP status of the last answer.")
    problem: str | None = Field(None, description="What went wrong with the last try.")
    created_at: datetime = Field(description="When the run ended, or the test was asked for.")
    finished_at: datetime | None = Field(None, description="When it came through or was given up.")


class EndedRun(Lenient):
    """What a message tells of a run."""

    run: str = Field(description="The run's UUID.")
    name: str = Field(description="The run's name.")
    workflow: str = Field(description="The workflow's id.")
    workflow_name: str = Field(description="The workflow's name.")
    version: int | None = Field(None, description="The workflow's version.")
    number: int | None = Field(None, description="The run's number in its workflow.")
    state: RunState = Field(description="How it ended.")
    sentence: str | None = Field(None, description="How it ended, in words.")
    trigger: Trigger = Field(description="What made it.")
    data_time: datetime = Field(description="The time that its time macros went by.")
    started_at: datetime | None = Field(None, description="When it started.")
    finished_at: datetime | None = Field(None, description="When it ended.")


class WebhookMessage(Lenient):
    """The body of a message."""

    type: str = Field(description="`run.succeeded`, `run.failed`, `run.cancelled` or `test`.")
    timestamp: datetime = Field(description="When it happened.")
    data: EndedRun | None = Field(None, description="The run; null in a test.")
