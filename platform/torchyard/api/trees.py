"""Trees of dependencies: which of their files the platform lacks, and whether jobs can use them."""

from typing import Any

from fastapi import APIRouter, Response

from torchyard import errors
from torchyard.api.dependencies import ContextDep, Sha256Path, UserDep
from torchyard.api.problems import responses
from torchyard.api.streaming import BodyDep
from torchyard.api.submissions import read
from torchyard.contracts.trees import Tree, TreeAnswer
from torchyard.services import trees

router = APIRouter(prefix="/trees", tags=["trees"])

#: The body, which FastAPI does not read itself: it would do so in the loop that serves everybody.
BODIES = (Tree,)
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}},
    }
}


@router.head(
    "/{sha256}",
    response_class=Response,
    responses={200: {"description": "Jobs can use it."}, **responses(errors.NotFound)},
)
def exists(ctx: ContextDep, _user: UserDep, sha256: Sha256Path) -> Response:
    """Ask whether a tree was taken; it is kept for a day at least from then on."""
    with ctx.db.write() as session:
        trees.find(ctx, session, sha256)
    return Response()


@router.post(
    "",
    response_model=TreeAnswer,
    responses=responses(
        errors.ArchiveRejected, errors.InvalidInput, errors.TooLarge, errors.Malformed, errors.StorageFull
    ),
    openapi_extra=_BODY,
)
def offer(ctx: ContextDep, _user: UserDep, body: BodyDep) -> TreeAnswer:
    """Offer a tree of files: taken if all of them are uploaded, else it is told which are missing."""
    return trees.offer(ctx, read(Tree, body))
