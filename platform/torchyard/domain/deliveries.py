"""Messages to webhooks: how they are signed (Standard Webhooks), and when they are sent again."""

import base64
import hashlib
import hmac
import math
from datetime import datetime, timedelta

from torchyard.contracts.notifications import Outcomes
from torchyard.contracts.runs import RunState

#: Tries of one message; the last one is sent within a day of the first.
MAX_TRIES = 8
_FIRST_PAUSE = timedelta(seconds=15)
_GROWTH = 4
#: What Standard Webhooks writes before a key.
_PREFIX = "whsec_"
#: The receiver says that it is gone for good.
_GONE = 410

_WANTED = {
    Outcomes.SUCCESS: frozenset({RunState.SUCCEEDED}),
    Outcomes.FAILURE: frozenset({RunState.FAILED}),
    Outcomes.BOTH: frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}),
}


def wants(on: Outcomes, state: RunState) -> bool:
    """Whether a webhook that wants these ends is told of this one."""
    return state in _WANTED[on]


def secret_of(key: bytes) -> str:
    """The key as people copy it."""
    return _PREFIX + base64.b64encode(key).decode()


def headers(secret: str, identity: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of one try.

    Args:
        secret: What `secret_of` gave.
        identity: The message's; the same on each try, so that the receiver can drop what it knows.
        at: When this try is sent.
        body: The bytes that are sent.
    """
    seconds = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = hmac.new(key, f"{identity}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def came_through(status: int) -> bool:
    """Whether an answer with this status says that the message was taken."""
    return 200 <= status <= 299


def next_try(tries: int, status: int | None, now: datetime) -> datetime | None:
    """When a message is sent again; None if it is given up.

    Args:
        tries: How often it was sent.
        status: The last answer's, if there was one.
        now: When that was.
    """
    if tries >= MAX_TRIES or status == _GONE:
        return None
    return now + _FIRST_PAUSE * math.pow(_GROWTH, tries - 1)
