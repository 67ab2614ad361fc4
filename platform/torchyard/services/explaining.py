"""Why a node of a run ran, or was reused: in a sentence, and field by field against its last success."""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import NodeKind
from torchyard.contracts.runs import Explanation, NodeState
from torchyard.contracts.sayings import reread, say, spoken
from torchyard.domain import planning, reusing
from torchyard.domain.planning import Plan
from torchyard.services import run_views, runs
from torchyard.storage import reusing as stored
from torchyard.storage import run_nodes
from torchyard.storage import runs as stored_runs
from torchyard.storage.reusing import Success


def explain(session: Session, run_id: str, name: str) -> Explanation:
    """Why the node ran, was reused, or did neither.

    Raises:
        NotFound: `run_not_found`, `node_not_found`.
    """
    run = runs.find(session, run_id)
    row = stored.node(session, run_id, name)
    if row is None:
        raise run_views.node_not_found(name)
    before = _before(session, run.workflow_id, row) if row.components else None
    return Explanation(
        node=name,
        state=NodeState(row.state),
        **spoken(_sentence(session, row)),
        compared_run=before.run_id if before else None,
        compared_job=before.job_id if before else None,
        components=reusing.compare(before.components if before else None, row.components),
    )


def _sentence(session: Session, row: Row[Any]) -> str | None:
    if row.explanation is not None:
        return reread(row.explanation, row.explanation_saying)
    if row.state == NodeState.LEFT_OUT:
        return say("why_left_out")
    if row.state == NodeState.WAITING:
        plan = Plan.of(stored_runs.graph_of(session, row.run_id))
        return planning.why_waiting(plan, run_nodes.states(session, row.run_id), row.name)
    if row.kind == NodeKind.DATASET and row.state == NodeState.SUCCEEDED:
        return say("why_dataset")
    return reread(row.sentence, row.saying) or say("why_not_reached")


def _before(session: Session, workflow_id: str | None, row: Row[Any]) -> Success | None:
    """What the node is compared with: what was reused, else its last success before it started."""
    if row.state == NodeState.REUSED:
        return stored.success_of(session, row.job_id)
    if row.kind == NodeKind.DATASET:
        found = stored.dataset_before(session, workflow_id, row.name, row.run_id) if workflow_id else None
        return Success(found.run_id, None, found.components) if found is not None else None
    return stored.last_success(
        session,
        row.name,
        workflow_id=workflow_id,
        run_id=row.run_id,
        before=row.created_at,
        but=row.job_id,
    )
