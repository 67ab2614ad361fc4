"""Signing in from a browser, and asking who one is."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from torchyard import errors
from torchyard.api.dependencies import SESSION_COOKIE, ContextDep, CookieDep, UserDep
from torchyard.api.problems import responses
from torchyard.contracts.models import Strict
from torchyard.services import users

router = APIRouter(prefix="/session", tags=["session"])


class SignIn(Strict):
    """What a browser signs in with."""

    token: str = Field(min_length=1, max_length=500, description="A user's token, or the code of a link.")


class SignInLink(BaseModel):
    """What signs a browser in once, at the web app's address with `#sign-in=` and this code behind it."""

    code: str = Field(description="Good once.")
    expires_at: datetime = Field(description="When it stops being good.")


class Me(BaseModel):
    """Who is asking."""

    name: str = Field(description="The user's name.")
    role: str = Field(description="What the user may do: `admin` or `user`.")


@router.post(
    "",
    response_model=Me,
    responses=responses(errors.Unauthenticated, errors.InvalidInput, errors.Malformed, errors.TooLarge),
)
def sign_in(ctx: ContextDep, request: Request, response: Response, wanted: SignIn) -> Me:
    """Sign in with a token; the answer sets a cookie that scripts can't read."""
    with ctx.db.write() as session:
        user, secret = users.sign_in(ctx, session, wanted.token)
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(ctx.limits.session_lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return Me(name=user.name, role=user.role)


@router.post(
    "/links",
    status_code=201,
    responses=responses(errors.Unauthenticated, errors.Forbidden, errors.Unavailable),
)
def make_link(ctx: ContextDep, user: UserDep) -> SignInLink:
    """Make a code that signs a browser in as whoever asks, once."""
    with ctx.db.write() as session:
        code, expires_at = users.sign_in_link(ctx, session, user)
    return SignInLink(code=code, expires_at=expires_at)


@router.get("")
def who_am_i(user: UserDep) -> Me:
    """Tell who is asking."""
    return Me(name=user.name, role=user.role)


@router.delete("", status_code=204)
def sign_out(ctx: ContextDep, _user: UserDep, cookie: CookieDep, response: Response) -> None:
    """Sign out: the browser's session ends."""
    if cookie is not None:
        with ctx.db.write() as session:
            users.sign_out(session, cookie)
    response.delete_cookie(SESSION_COOKIE)
