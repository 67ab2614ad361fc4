"""Creates under an `Idempotency-Key`: the header, and the answer to one that came before."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Response
from fastapi.concurrency import contextmanager_in_threadpool

from torchyard.api.dependencies import ContextDep, UserDep
from torchyard.services import idempotency

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 255 visible ASCII characters. The same request under the same key is done once.",
        json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    ),
]


# Asynchronous, so that the many requests without a key are not sent through a thread twice for nothing.
async def _reservation(
    ctx: ContextDep, user: UserDep, key: KeyHeader = None
) -> AsyncIterator[idempotency.Request]:
    begun = idempotency.begun(ctx, user, key)
    if key is None:
        with begun as request:
            yield request
    else:
        async with contextmanager_in_threadpool(begun) as request:
            yield request


ReservationDep = Annotated[idempotency.Request, Depends(_reservation, scope="function")]


def replayed(reservation: idempotency.Request, wish: str, response: Response) -> str | None:
    """The id of what this very request made before, if it did; the answer then says that it is a replay.

    Args:
        reservation: The create that goes on.
        wish: All that was asked for, its kind included, as text.
        response: What status and header are set on.

    Raises:
        IdempotencyKeyReused: The key was used for another request.
    """
    earlier = reservation.replayed(wish)
    if earlier is not None:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return earlier
