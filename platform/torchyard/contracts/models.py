"""The two ways a wire value is read: strict from a user, lenient from a peer or a store."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A value a user writes: unknown fields are refused, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Lenient(BaseModel):
    """A value read from a peer or a store: unknown fields are ignored, so that either side may be newer."""

    model_config = ConfigDict(frozen=True, extra="ignore")
