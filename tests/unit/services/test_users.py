import pytest
from tests.factories import admin

from torchyard.errors import Unauthenticated
from torchyard.services import users
from torchyard.services.context import Context
from torchyard.storage.tables import TokenRow
from torchyard.testing import FixedClock


def test_only_the_present_token_is_let_in(ctx: Context) -> None:
    user = admin(ctx)
    for token in ("first", "second"):
        with ctx.db.write() as session:
            users.set_token(ctx, session, user, token)

    with ctx.db.read() as session:
        assert users.authenticate(ctx, session, "second", kind="token") == user
        with pytest.raises(Unauthenticated):
            users.authenticate(ctx, session, "first", kind="token")


def test_a_session_ends_by_signing_out_and_by_age(ctx: Context) -> None:
    with ctx.db.write() as session:
        users.set_token(ctx, session, users.administrator(ctx, session), "token")
        _, out = users.sign_in(ctx, session, "token")
        user, old = users.sign_in(ctx, session, "token")
    with ctx.db.write() as session:
        users.sign_out(session, out)
        assert users.authenticate(ctx, session, old, kind="session") == user

    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(ctx.limits.session_lifetime.total_seconds() + 1)

    with ctx.db.read() as session:
        for secret in (out, old):
            with pytest.raises(Unauthenticated):
                users.authenticate(ctx, session, secret, kind="session")


def test_a_session_is_no_token_and_a_token_no_session(ctx: Context) -> None:
    with ctx.db.write() as session:
        users.set_token(ctx, session, users.administrator(ctx, session), "token")
        _, secret = users.sign_in(ctx, session, "token")

    with ctx.db.read() as session:
        for value, kind in ((secret, "token"), ("token", "session")):
            with pytest.raises(Unauthenticated):
                users.authenticate(ctx, session, value, kind=kind)


def test_no_secret_lies_in_the_database(ctx: Context) -> None:
    with ctx.db.write() as session:
        users.set_token(ctx, session, users.administrator(ctx, session), "token-of-the-administrator")
        _, secret = users.sign_in(ctx, session, "token-of-the-administrator")

    with ctx.db.read() as session:
        stored = str([vars(row) for row in session.query(TokenRow)])
    assert "token-of-the-administrator" not in stored
    assert secret not in stored
