"""Starting one node of a run: its inputs, its job, or what stands in for it."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import DatasetSettings, NodeKind, Reuse
from torchyard.contracts.inputs import NOTHING, NamedBlob, data_source, job_source
from torchyard.contracts.jobs import JobCreate, JobSpec, Reason
from torchyard.contracts.runs import NODE_GAVE, NodeState
from torchyard.contracts.sayings import say, spoken
from torchyard.domain.planning import Plan
from torchyard.domain.reusing import Earlier
from torchyard.errors import TorchyardError, Unavailable
from torchyard.services import reusing, submitting
from torchyard.services.context import Context
from torchyard.services.readying import Ready, Start, reason_of, sentence_of
from torchyard.services.submitting import Part
from torchyard.storage import run_nodes, runs
from torchyard.storage.workflow_tables import RunRow

#: Fields of a job's settings that its specification has under the same name.
_SAME = set(JobSpec.model_fields) - {"name", "runtime", "inputs"}


def starts(
    session: Session, run: RunRow, plan: Plan, reuse: Mapping[str, Reuse], names: Collection[str]
) -> list[Start]:
    """The named nodes as they would be started now, in this order."""
    wanted = {*names, *(edge.source for name in names for edge in plan.above[name])}
    rows = {row.name: row for row in run_nodes.rows(session, run.id, wanted)} if names else {}
    return [
        Start(
            run_id=run.id,
            owner_id=run.owner_id,
            name=name,
            kind=NodeKind(rows[name].kind),
            settings=rows[name].settings,
            reuse=reuse.get(name),
            inputs={
                edge.source: _source(rows[name], rows[edge.source], skipped=edge.source in plan.skipped)
                for edge in plan.above[name]
            },
        )
        for name in names
    ]


def start(ctx: Context, session: Session, run: RunRow, ready: Ready) -> NodeState:
    """Start the node that was found ready; its state from now on.

    Raises:
        Unavailable: The database is.
    """
    begun = ready.start
    if ready.reason is not None:
        return _fail(ctx, session, begun, ready.reason, ready.sentence or "")
    if begun.kind is NodeKind.DATASET:
        return _pass(ctx, session, ready)
    try:
        with session.begin_nested():
            verdict = reusing.decide(session, run, begun.name, begun.reuse, ready.known, ctx.clock.now())
            if verdict.reused is not None:
                return _reuse(ctx, session, ready, verdict.reused, verdict.sentence)
            _submit(ctx, session, run, ready, verdict.sentence)
    except Unavailable:
        raise
    except TorchyardError as problem:
        return _fail(ctx, session, begun, reason_of(problem), sentence_of(problem))
    except ValidationError:  # it is from a version that took other settings
        return _fail(ctx, session, begun, Reason.INTERNAL, say("node_settings_unreadable"))
    return NodeState.QUEUED


def _submit(ctx: Context, session: Session, run: RunRow, ready: Ready, why: str) -> None:
    begun, now, job_id = ready.start, ctx.clock.now(), str(uuid.uuid4())
    create = JobCreate.model_validate(begun.settings)
    spec = JobSpec(
        **create.model_dump(include=_SAME),
        name=create.name or begun.name,
        runtime=create.runtime or ctx.limits.default_runtime,
        inputs={**create.inputs, **begun.inputs},
    )
    started = {"job_id": job_id, "reused_from": None, **_because(why), "created_at": now}
    number = run_nodes.count_try(session, begun.run_id, begun.name, {**started, **_content(ready)})
    run_nodes.add_try(
        session,
        {
            "run_id": begun.run_id,
            "node": begun.name,
            "number": number,
            "job_id": job_id,
            "settings": dict(begun.settings),
            **_content(ready),
        },
    )
    submitting.insert(
        ctx, session, spec, run.owner_id, part=Part(run_id=begun.run_id, node=begun.name, job_id=job_id)
    )


def _content(ready: Ready) -> dict[str, Any]:
    return {"content_key": ready.known.key, "components": dict(ready.known.components)}


def _because(why: str) -> dict[str, Any]:
    told = spoken(why)
    return {"explanation": told["sentence"], "explanation_saying": told["saying"]}


def _reuse(ctx: Context, session: Session, ready: Ready, earlier: Earlier, why: str) -> NodeState:
    """Have an earlier success stand in for the node: its job's logs and outputs are the node's."""
    values = {
        "state": NodeState.REUSED,
        "reason": None,
        **spoken(why),
        **_because(why),
        "job_id": earlier.job_id,
        "reused_from": earlier.run_id,
        "started_at": None,
    }
    return _end(ctx, session, ready.start, {**values, **_content(ready)})


def _pass(ctx: Context, session: Session, ready: Ready) -> NodeState:
    values = {"state": NodeState.SUCCEEDED, "reason": None, **spoken(ready.sentence)}
    return _end(ctx, session, ready.start, {**values, **_content(ready)})


def _fail(ctx: Context, session: Session, begun: Start, reason: Reason, sentence: str) -> NodeState:
    return _end(ctx, session, begun, {"state": NodeState.FAILED, "reason": reason, **spoken(sentence)})


def _end(ctx: Context, session: Session, begun: Start, values: Mapping[str, Any]) -> NodeState:
    """Have the node end at once."""
    now, state = ctx.clock.now(), NodeState(values["state"])
    times = {"created_at": now, "started_at": now, "finished_at": now}
    run_nodes.change(session, begun.run_id, [{"name": begun.name, **times, **values}])
    happened = runs.Happening(
        begun.name, state, f"{state}: {values['sentence'] or ''}".rstrip(": "), values.get("job_id")
    )
    runs.tell(session, begun.run_id, [happened], now)
    return state


def _source(node: Row[Any], above: Row[Any], *, skipped: bool) -> str:
    """Where the node's input comes from that this node above it gives."""
    state = NodeState(above.state)
    if skipped or state is NodeState.SKIPPED:
        return NOTHING
    if above.kind == NodeKind.DATASET:
        return _data(above.settings) if state in NODE_GAVE | {NodeState.LEFT_OUT} else NOTHING
    if state is NodeState.LEFT_OUT:
        giver = node.inputs_from.get(above.name)
        return job_source(giver["job"]) if giver else NOTHING
    if above.job_id is None or state in {NodeState.NOT_NEEDED, NodeState.UPSTREAM_FAILED}:
        return NOTHING
    return job_source(above.job_id, may_be_empty=state not in NODE_GAVE)


def _data(settings: Mapping[str, Any]) -> str:
    dataset = DatasetSettings.model_validate(settings)
    return data_source(dataset.paths, [NamedBlob(file.sha256, file.name) for file in dataset.files])
