"""Secrets: named values of a user, which a job's `environment` refers to as `${secrets.NAME}`."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from torchyard.contracts.models import Lenient, Strict

MAX_VALUE_BYTES = 64 * 1024
NAME_PATTERN = r"^[A-Z_][A-Z0-9_]{0,63}$"


def _storable(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or "\x00" in text or len(text.encode()) > MAX_VALUE_BYTES:
        raise PydanticCustomError(
            "secret_invalid",
            "must have 1 to {bytes} bytes in UTF-8, without the NUL character",
            {"bytes": MAX_VALUE_BYTES},
        )
    return value


class SecretValue(Strict):
    """A secret to store."""

    value: Annotated[
        SecretStr,
        Field(description="The value, 1 byte to 64 KiB; stored encrypted, never told again."),
        AfterValidator(_storable),
    ]


class StoredSecret(Lenient):
    """A secret as the API tells it: everything but the value."""

    name: str = Field(description="Its name; `${secrets.NAME}` in a job's environment refers to it.")
    created_at: datetime = Field(description="When this value was stored.")


class Rotated(Lenient):
    """What was encrypted anew."""

    secrets: int = Field(description="Secrets that have the newest key now.")
    connections: int = Field(description="Connections whose secret has the newest key now.")
    webhooks: int = Field(0, description="Webhooks whose secret has the newest key now.")
    unreadable: list[str] = Field(description="What no key opens; left as it was.")
