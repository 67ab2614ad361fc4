"""One create per `Idempotency-Key`: a replay is answered with what the first request made."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from torchyard.errors import FieldInvalid, IdempotencyInProgress, IdempotencyKeyReused
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage import idempotency

#: How long a key is remembered.
REMEMBERED = timedelta(hours=24)
#: No upload goes on this long; a key whose request never ended is free again after it.
ABANDONED = timedelta(hours=6)
_MAX_KEY = 255


@dataclass
class Request:
    """A create under a key, from its first byte to its commit."""

    ctx: Context
    user: User
    key: str | None
    #: The id of what an earlier request with this key made.
    earlier: str | None = field(default=None)
    earlier_fingerprint: str | None = field(default=None)

    def replayed(self, wish: str) -> str | None:
        """The id of what this very request made before, if it did.

        Args:
            wish: All that was asked for, its kind included, as text; two requests are the same if theirs are.

        Raises:
            IdempotencyKeyReused: The key was used for another request.
        """
        if self.earlier is None:
            return None
        if self.earlier_fingerprint != _fingerprint(wish):
            raise IdempotencyKeyReused(hint="use a new key for a new request")
        return self.earlier

    def complete(self, session: Session, wish: str, made_id: str) -> None:
        """Bind the key to what was made, by its id, in the transaction that makes it."""
        if self.key is not None:
            idempotency.complete(
                session, self.user.id, self.key, fingerprint=_fingerprint(wish), made_id=made_id
            )


@contextlib.contextmanager
def begun(ctx: Context, user: User, key: str | None) -> Iterator[Request]:
    """Hold the key while a create goes on; it is free again if the create fails.

    Raises:
        FieldInvalid: The key is not 1 to 255 visible ASCII characters.
        IdempotencyInProgress: Another request with this key is going on.
    """
    if key is None:
        yield Request(ctx, user, None)
        return
    request = _reserve(ctx, user, key)
    try:
        yield request
    except BaseException:
        if request.earlier is None:
            with ctx.db.write() as session:
                idempotency.release(session, user.id, key)
        raise


def _reserve(ctx: Context, user: User, key: str) -> Request:
    if not 1 <= len(key) <= _MAX_KEY or not all("!" <= letter <= "~" for letter in key):
        raise FieldInvalid("an Idempotency-Key is 1 to 255 visible ASCII characters", field="Idempotency-Key")
    with ctx.db.write() as session:
        if idempotency.reserve(session, user.id, key, ctx.clock.now()):
            return Request(ctx, user, key)
        row = idempotency.find(session, user.id, key)
    if row is None or row.made_id is None:
        raise IdempotencyInProgress(hint="wait for the first request's answer, then send this one again")
    return Request(ctx, user, key, earlier=row.made_id, earlier_fingerprint=row.fingerprint)


def _fingerprint(wish: str) -> str:
    return hashlib.sha256(wish.encode()).hexdigest()
