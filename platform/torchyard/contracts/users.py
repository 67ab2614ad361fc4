"""Users, and the tokens that they and their programs come with."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from torchyard.contracts.jobs import plain_text
from torchyard.contracts.models import Lenient, Strict

NAME_PATTERN = r"^[a-z0-9][a-z0-9._@-]{0,62}$"
#: The first digits of a token's SHA-256: `printf %s TOKEN | sha256sum` finds it.
TOKEN_ID_DIGITS = 16
TOKEN_ID_PATTERN = rf"^[0-9a-f]{{{TOKEN_ID_DIGITS}}}$"


class Role(StrEnum):
    """What a user may do."""

    #: Everything.
    ADMIN = "admin"
    #: Everything but what is for administrators: connections, users, workers.
    USER = "user"


#: More than any cluster has; databases store no larger one.
MOST_LIMIT = 1_000_000
_MAX_GPUS = "The most GPUs that the user's jobs hold at once, on all workers together; no limit, if null."
_MAX_CPUS = "The same of CPU cores."


class UserSettings(Strict):
    """A user as an administrator sets it up."""

    role: Role = Field(Role.USER, description="`admin`, or `user`.")
    disabled: bool = Field(
        False, description="True: neither tokens nor sessions of the user let anybody in. Jobs go on."
    )
    max_gpus: int | None = Field(None, ge=0, le=MOST_LIMIT, description=_MAX_GPUS)
    max_cpus: int | None = Field(None, ge=0, le=MOST_LIMIT, description=_MAX_CPUS)


class UserChanges(Strict):
    """What an administrator changes of a user; what is left out stays as it is."""

    role: Role | None = Field(None, description="`admin`, or `user`.")
    disabled: bool | None = Field(None, description="Whether the user's tokens let nobody in.")
    max_gpus: int | None = Field(None, ge=0, le=MOST_LIMIT, description=_MAX_GPUS)
    max_cpus: int | None = Field(None, ge=0, le=MOST_LIMIT, description=_MAX_CPUS)


class UserAccount(Lenient):
    """A user as the API tells it."""

    name: str = Field(description="The user's name.")
    role: Role = Field(description="`admin`, or `user`.")
    disabled: bool = Field(False, description="Whether the user's tokens let nobody in.")
    created_at: datetime = Field(description="When the user was added.")
    max_gpus: int | None = Field(None, description=_MAX_GPUS)
    max_cpus: int | None = Field(None, description=_MAX_CPUS)
    held_gpus: int = Field(0, description="GPUs that the user's jobs hold now.")
    held_cpus: int = Field(0, description="CPU cores that they hold now.")


class TokenWish(Strict):
    """A token to issue."""

    label: Annotated[
        str,
        Field(min_length=1, max_length=100, description="What it is for, such as the name of a machine."),
        AfterValidator(plain_text),
    ]
    days: int | None = Field(None, ge=1, le=3650, description="Days until it expires; never, if left out.")


class IssuedToken(Lenient):
    """A token as the API tells it: everything but the token."""

    id: str = Field(description="The first 16 hex digits of the token's SHA-256.")
    label: str = Field(description="What it is for.")
    created_at: datetime = Field(description="When it was issued.")
    expires_at: datetime | None = Field(None, description="When it expires; never, if left out.")


class NewToken(IssuedToken):
    """A token that was just issued; the only time that it is told."""

    token: str = Field(description="The token; only its SHA-256 is kept.")
