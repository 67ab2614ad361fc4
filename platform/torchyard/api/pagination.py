"""Lists that are paged by cursor: stable while jobs come and go."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from torchyard.errors import CursorInvalid

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    items: list[T] = Field(description="The items, newest first.")
    next_cursor: str | None = Field(description="For the next part; null at the end.")


CursorQuery = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the part before.")]
LimitQuery = Annotated[int, Query(ge=1, le=500, description="Items in one part.")]


def _iso(value: str) -> str:
    if "-" not in value[1:]:
        raise ValueError("must be an ISO 8601 time, as 2026-01-31T12:00:00Z")
    return value


def _utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 in UTC") from None


#: A time with a time zone: UTC, if none is given.
Moment = Annotated[datetime, BeforeValidator(_iso), AfterValidator(_utc)]


def encode(created_at: datetime, identity: str) -> str:
    """The cursor behind the item made at this time, with this id."""
    return base64.urlsafe_b64encode(f"{created_at.isoformat()}|{identity}".encode()).decode()


def decode(cursor: str) -> tuple[datetime, str]:
    """Time and id of the item the cursor stands behind.

    Raises:
        CursorInvalid: It was not made by `encode`.
    """
    try:
        created_at, identity = base64.urlsafe_b64decode(cursor.encode()).decode().split("|")
        moment = _utc(datetime.fromisoformat(created_at))
    except (ValueError, binascii.Error) as problem:
        raise CursorInvalid(field="cursor") from problem
    if not identity.isascii() or not identity.isprintable():
        raise CursorInvalid(field="cursor")
    return moment, identity


def page(found: list[T], limit: int, key: Callable[[T], tuple[datetime, str]]) -> Page[T]:
    """One part of a list; `found` has one item more if the list goes on."""
    items = found[:limit]
    return Page(items=items, next_cursor=encode(*key(items[-1])) if len(found) > limit else None)
