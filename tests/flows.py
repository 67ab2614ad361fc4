"""Workflows and their runs for tests: made, carried out and ended without a worker's process."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select
from tests.factories import admin, placed, stored

from torchyard.contracts.runner import Cause, Finish, Outcome, ProducedFile
from torchyard.contracts.runs import RunDetail
from torchyard.contracts.workflows import WorkflowCreate
from torchyard.services import attempts, jobs, runs, workflows
from torchyard.services.advancing import Engine
from torchyard.services.context import Context
from torchyard.storage.workflow_tables import RunRow


def make_workflow(
    ctx: Context,
    *,
    arguments: str = "",
    parameters: list[dict[str, Any]] | None = None,
    settings: dict[str, Any] | None = None,
    script: bytes = b"print('hi')\n",
) -> str:
    """A workflow of one node, `train`; its id."""
    file = stored(ctx, script).model_dump()
    graph = {
        "nodes": [{"name": "train", "settings": {"script": file, "arguments": arguments}}],
        "parameters": parameters or [],
        "settings": settings or {},
    }
    wish, owner = WorkflowCreate.model_validate({"name": "nightly", "graph": graph}), admin(ctx)
    with ctx.db.write() as session:
        return workflows.create(ctx, session, wish, owner)


def carry_out(ctx: Context) -> None:
    """Have every run do what it can do now."""
    with ThreadPoolExecutor(1) as pool:
        engine = Engine(ctx, pool)
        engine.look()
        engine.stop()


def runs_of(ctx: Context, workflow_id: str) -> list[RunDetail]:
    """The workflow's runs, first to last."""
    with ctx.db.read() as session:
        query = select(RunRow.id).where(RunRow.workflow_id == workflow_id).order_by(RunRow.number)
        return [runs.describe(ctx, session, run_id) for run_id in session.scalars(query)]


def end(
    ctx: Context, run_id: str, *, exit_code: int = 0, left: Mapping[str, bytes] | None = None
) -> RunDetail:
    """Have the script of the run's node `train` end, with these artifacts; the run."""
    carry_out(ctx)
    with ctx.db.read() as session:
        job_id = runs.describe(ctx, session, run_id).nodes[0].job
        assert job_id is not None
        held = placed(ctx, jobs.get(ctx, session, job_id))
    assert held.worker is not None
    with ctx.db.write() as session:
        attempts.claim(ctx, session, held.worker, held.attempt.id)
    files = [
        ProducedFile(path=path, size=len(content), sha256=stored(ctx, content).sha256)
        for path, content in (left or {}).items()
    ]
    facts = Outcome(cause=Cause.EXITED, exit_code=exit_code)
    with ctx.db.write() as session:
        attempts.finish(ctx, session, held.worker, held.attempt.id, Finish(outcome=facts, artifacts=files))
    carry_out(ctx)
    with ctx.db.read() as session:
        return runs.describe(ctx, session, run_id)
