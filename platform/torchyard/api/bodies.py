"""JSON bodies that are read in a worker thread: large ones would hold up the loop that serves everybody."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel

from torchyard.api.streaming import BodyDep
from torchyard.api.submissions import read
from torchyard.errors import UnsupportedMedia

M = TypeVar("M", bound=BaseModel)


def reader(model: type[M]) -> Callable[..., M]:
    """A dependency that gives the body as a value of the contracts."""

    def body_of(request: Request, body: BodyDep) -> M:
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != "application/json":
            raise UnsupportedMedia("send application/json")
        return read(model, body)

    return body_of


def described(model: type[BaseModel]) -> dict[str, Any]:
    """The body's part of a route's description; `api.app` adds the model to the schema."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}},
        }
    }
