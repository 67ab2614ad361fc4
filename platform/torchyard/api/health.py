"""Whether the platform lives, and whether it can work. Open to everybody, and telling nothing else."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from torchyard import errors
from torchyard.api.dependencies import ContextDep
from torchyard.api.problems import responses
from torchyard.storage import workers

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """An answer that says yes."""

    status: str = Field("ok", description="Always `ok`; anything else is a problem.")


@router.get("/healthz")
def alive() -> Health:
    """Whether the process answers."""
    return Health()


@router.get("/readyz", responses=responses(errors.Unavailable))
def ready(ctx: ContextDep) -> Health:
    """Whether the database answers too."""
    with ctx.db.read() as session:
        workers.count(session)
    return Health()
