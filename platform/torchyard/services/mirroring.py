"""A job's state, as its run shows it: written in the transaction that changes the job."""

import functools
from typing import Any

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import TERMINAL, JobState
from torchyard.contracts.runs import NODE_STARTED, NodeState
from torchyard.services.context import RUNS_TOPIC, Context, run_topic
from torchyard.storage import run_nodes, runs
from torchyard.storage.database import after_commit
from torchyard.storage.tables import JobRow


def mirror(ctx: Context, session: Session, job: JobRow, state: JobState, message: str) -> None:
    """Bring the job's node to the job's state, and have the engine look at the run once the job ended."""
    if job.run_id is None or job.node is None:
        return
    found = run_nodes.standing(session, job.run_id, job.node)
    # A node that was resumed belongs to its next job, and a run that was deleted to nobody.
    if found is None or found.job_id != job.id or found.state == state:
        return
    starts = found.state == NodeState.WAITING and state is JobState.QUEUED
    if found.state not in NODE_STARTED and not starts:
        return
    run_id, ended = job.run_id, state in TERMINAL
    told = runs.Happening(job.node, state, message, job.id)
    runs.tell(session, run_id, [told], ctx.clock.now(), attention=True if ended else None)
    run_nodes.change(session, run_id, [{"name": job.node, "state": state, **_facts(session, job.id, state)}])
    for topic in (run_topic(run_id), *([RUNS_TOPIC] if ended else [])):
        after_commit(session, functools.partial(ctx.fanout.wake, topic))


def _facts(session: Session, job_id: str, state: JobState) -> dict[str, Any]:
    if state not in TERMINAL | {JobState.RUNNING}:
        return {"started_at": None, "finished_at": None}
    job = run_nodes.facts_of_job(session, job_id)
    facts = {"started_at": job.started_at}
    if state in TERMINAL:
        facts |= {"reason": job.reason, "finished_at": job.finished_at}
        facts |= {"sentence": job.sentence, "saying": job.saying}
    return facts
