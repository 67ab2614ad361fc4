"""The two ways a wire value is read: strict from a user, lenient from a peer or a store."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    SerializationInfo,
)

#: Serialization context that writes secrets out: `value.model_dump_json(context=REVEAL)`. For the runner
#: protocol alone; whoever forgets it writes stars.
REVEAL = {"reveal_secrets": True}


class Strict(BaseModel):
    """A value a user writes: unknown fields are refused, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Lenient(BaseModel):
    """A value read from a peer or a store: unknown fields are ignored, so that either side may be newer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _storable(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


#: Text from a peer. What no database takes is replaced, not refused: how a job ended has to come through.
Told = Annotated[str, BeforeValidator(_storable)]
#: The highest number from a peer: every database and every JSON reader can hold it.
MAX_COUNT = 2**53
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


def _starred(secret: SecretStr, info: SerializationInfo) -> str:
    return secret.get_secret_value() if info.context == REVEAL else str(secret)


#: A secret that goes over the wire in clear, but only if the writer asks for that with `REVEAL`.
RevealedSecret = Annotated[SecretStr, PlainSerializer(_starred, return_type=str, when_used="json")]


def as_clause(message: str) -> str:
    """A validator's message as the rest of a sentence: with a small letter, unless it begins with a name."""
    return message[:1].lower() + message[1:] if message[1:2].islower() else message
