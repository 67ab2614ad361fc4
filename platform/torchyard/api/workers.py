"""Workers and the runtimes they offer."""

from fastapi import APIRouter

from torchyard import errors
from torchyard.api.dependencies import AdminDep, ContextDep, UserDep, WorkerId
from torchyard.api.problems import responses
from torchyard.contracts.workers import DrainWish, OfferedRuntime, Worker
from torchyard.services import workers

router = APIRouter(tags=["workers"])


@router.get("/workers")
def all_workers(ctx: ContextDep, _user: UserDep) -> list[Worker]:
    """List the workers, with what they have, what of it is free, and the jobs that have the rest."""
    with ctx.db.read() as session:
        return workers.all_workers(session)


@router.put(
    "/workers/{worker_id}/drain",
    responses=responses(errors.NotFound, errors.InvalidInput, errors.Malformed, errors.TooLarge),
)
def drain(ctx: ContextDep, _admin: AdminDep, worker_id: WorkerId, wish: DrainWish) -> Worker:
    """Give a worker nothing new, so that it can be stopped once it is idle; or again. For administrators."""
    with ctx.db.write() as session:
        return workers.drain(ctx, session, worker_id, wish)


@router.get("/runtimes")
def all_runtimes(ctx: ContextDep, _user: UserDep) -> list[OfferedRuntime]:
    """List the runtimes that can be used now, with their real versions on each worker."""
    with ctx.db.read() as session:
        return workers.all_runtimes(ctx, session)
