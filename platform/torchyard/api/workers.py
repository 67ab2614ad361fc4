"""Workers and the runtimes they offer."""

from fastapi import APIRouter

from torchyard.api.dependencies import ContextDep, UserDep
from torchyard.contracts.workers import OfferedRuntime, Worker
from torchyard.services import workers

router = APIRouter(tags=["workers"])


@router.get("/workers")
def all_workers(ctx: ContextDep, _user: UserDep) -> list[Worker]:
    """List the workers, with what they have and what of it is free."""
    with ctx.db.read() as session:
        return workers.all_workers(session)


@router.get("/runtimes")
def all_runtimes(ctx: ContextDep, _user: UserDep) -> list[OfferedRuntime]:
    """List the runtimes that can be used now, with their real versions on each worker."""
    with ctx.db.read() as session:
        return workers.all_runtimes(ctx, session)
