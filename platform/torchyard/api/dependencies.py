"""What endpoints declare that they need, as annotated aliases."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator

from torchyard.api.following import Feeds
from torchyard.errors import Forbidden, Unauthenticated
from torchyard.services import users, workers
from torchyard.services.context import Context
from torchyard.services.users import ADMINISTRATOR_ROLE, User
from torchyard.storage.tables import WorkerRow

SESSION_COOKIE = "torchyard_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="A token, such as the administrator's.")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="A browser's session.")


# Asynchronous only so that FastAPI does not send a look at an attribute through a thread.
async def _context(request: Request) -> Context:
    ctx = request.app.state.context
    assert isinstance(ctx, Context)
    return ctx


async def _feeds(request: Request) -> Feeds:
    feeds = request.app.state.feeds
    assert isinstance(feeds, Feeds)
    return feeds


ContextDep = Annotated[Context, Depends(_context)]
FeedsDep = Annotated[Feeds, Depends(_feeds)]
BearerDep = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
CookieDep = Annotated[str | None, Security(_cookie)]


def current_user(request: Request, ctx: ContextDep, bearer: BearerDep, cookie: CookieDep) -> User:
    """Who is asking.

    Raises:
        Unauthenticated: Neither a valid token nor a session came along.
        Forbidden: `csrf`: another site's page sent the request, with the browser's cookie or to a
            platform that lets everybody in.
    """
    with ctx.db.read() as session:
        if not request.app.state.authentication:
            if {"origin", "sec-fetch-site"} & set(request.headers):  # it comes from a browser
                _refuse_cross_site(request)
            return users.administrator(ctx, session)
        if bearer is not None:
            return users.authenticate(ctx, session, bearer.credentials, kind="token")
        if cookie is None:
            raise Unauthenticated(hint="send `Authorization: Bearer TOKEN`, or sign in at /api/v1/session")
        _refuse_cross_site(request)
        return users.authenticate(ctx, session, cookie, kind="session")


def _refuse_cross_site(request: Request) -> None:
    if request.method in _SAFE_METHODS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        raise Forbidden("another site's page may not use your session", code="csrf")
    if site is None and (origin is None or origin.partition("://")[2] != request.headers.get("host")):
        raise Forbidden("a session needs the Origin of this site; programs use a token instead", code="csrf")


def current_worker(ctx: ContextDep, bearer: BearerDep) -> WorkerRow:
    """The worker that is calling.

    Raises:
        Unauthenticated: It has not registered, or another process of it has since.
    """
    if bearer is None:
        raise Unauthenticated("this worker has to register first")
    with ctx.db.read() as session:
        return workers.authenticate(session, bearer.credentials)


UserDep = Annotated[User, Depends(current_user)]


def _administrator(user: UserDep) -> User:
    if user.role != ADMINISTRATOR_ROLE:
        raise Forbidden("only an administrator may do this", code="admin_only")
    return user


AdminDep = Annotated[User, Depends(_administrator)]
WorkerDep = Annotated[WorkerRow, Depends(current_worker)]


def _comparable(identity: str) -> str:
    # As what is no UTF-8 is read. Nothing has such an id, but Postgres refuses to look for a NUL.
    return identity.replace("\x00", "\ufffd")


JobId = Annotated[str, Path(max_length=100, description="The job's UUID."), AfterValidator(_comparable)]
AttemptId = Annotated[
    str, Path(max_length=100, description="The attempt's UUID."), AfterValidator(_comparable)
]
WorkflowId = Annotated[
    str, Path(max_length=100, description="The workflow's UUID."), AfterValidator(_comparable)
]
RunId = Annotated[str, Path(max_length=100, description="The run's UUID."), AfterValidator(_comparable)]
OtherRunId = Annotated[
    str, Path(max_length=100, description="The other run's UUID."), AfterValidator(_comparable)
]
NodeName = Annotated[str, Path(max_length=200, description="The node's name."), AfterValidator(_comparable)]
#: The id of something, to choose by in a list.
IdQuery = Annotated[str | None, Query(max_length=100), AfterValidator(lambda one: one and _comparable(one))]
#: The beginning of an id, as people type it.
IdPrefix = Annotated[
    str | None, Query(pattern=r"^[0-9a-f-]{1,36}$", description="Only those whose id begins like this.")
]
SweepId = Annotated[str, Path(max_length=100, description="The sweep's UUID."), AfterValidator(_comparable)]
NotificationId = Annotated[
    str, Path(max_length=100, description="The webhook's UUID."), AfterValidator(_comparable)
]
WorkerId = Annotated[str, Path(max_length=100, description="The worker's UUID."), AfterValidator(_comparable)]
Sha256Path = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="The file's SHA-256 in hex.")]
AttemptNumber = Annotated[
    int | None, Query(ge=1, le=10**6, description="Which attempt; the latest if left out.")
]
