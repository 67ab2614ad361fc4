"""Starting, stopping, deleting and repeating runs. What a run does once it is there is `advancing`'s."""

import functools
import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Graph, GraphSettings, NodeKind, WhenBusy
from torchyard.contracts.runs import (
    NODE_ENDED,
    NODE_STARTED,
    RUN_ENDED,
    Mode,
    ModeKind,
    NodeState,
    RunAgain,
    RunDetail,
    RunRequest,
    RunState,
    Trigger,
)
from torchyard.contracts.sayings import say, spoken
from torchyard.domain import parameters, validation
from torchyard.domain.node_settings import files_of
from torchyard.errors import (
    BlobNotUploaded,
    FieldInvalid,
    NotFound,
    RunEnded,
    RunNotEnded,
    RunRefused,
)
from torchyard.services import jobs, run_views, sources, workflows
from torchyard.services.context import RUNS_TOPIC, Context, run_topic
from torchyard.services.users import User
from torchyard.storage import blobs, run_nodes, runs
from torchyard.storage.database import after_commit
from torchyard.storage.workflow_tables import RunRow

#: What a person waits for; other runs take their turn whatever the workflow says of a second run.
_BY_PEOPLE = frozenset({Trigger.MANUAL, Trigger.AGAIN})


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A run that somebody or something wants."""

    graph: Graph
    request: RunRequest
    trigger: Trigger
    workflow_id: str | None = None
    version: int | None = None
    #: What only one run of the workflow may be made for.
    slot: str | None = None
    sweep_id: str | None = None
    again_of: str | None = None
    #: The due time before the data time, of a schedule.
    previous: datetime | None = None


def create(ctx: Context, session: Session, wish: Wish, owner: User) -> str:
    """Make a run, which the engine carries out; its id.

    Raises:
        WorkflowInvalid: The graph has mistakes, with these parameters.
        FieldInvalid: `node_unknown`, `nodes_missing`, `nothing_to_run`, `runtime_unknown`: see `mode`.
        SourceMissing: No run has what the chosen nodes need and this run does not make.
        BlobNotUploaded: A file is not there.
        NotFound: `workflow_not_found`, `run_not_found` (of the source run).
        RunRefused: `run_refused`, or `slot_taken`.
    """
    now, request, graph = ctx.clock.now(), wish.request, wish.graph
    data_time = request.data_time or now
    resolve = functools.partial(
        validation.resolved, graph, request.parameters, data_time, previous=wish.previous
    )
    whole = request.mode.kind is ModeKind.ALL or not _is_sound(graph, data_time)
    settings = resolve(only=None if whole else ())
    state = _admitted(session, wish)
    chosen = sources.choose(session, graph, request, wish.workflow_id)
    if not chosen.selected:
        raise FieldInvalid("there is nothing to run", code="nothing_to_run", field="mode")
    if not whole:
        settings = resolve(only=chosen.selected | sources.datasets(graph))
    check_runtimes(ctx, session, graph, settings)
    digests = use_blobs(ctx, session, graph, chosen.selected)
    run = RunRow(
        id=str(uuid.uuid4()),
        workflow_id=wish.workflow_id,
        version=wish.version,
        number=_number(session, wish),
        owner_id=owner.id,
        name=request.name,
        graph=json.loads(graph.model_dump_json()),
        mode=json.loads(request.mode.model_dump_json()),
        parameters=dict(parameters.of_run(graph.parameters, request.parameters).values),
        trigger=wish.trigger,
        slot=wish.slot,
        force=request.force,
        data_time=data_time,
        previous_time=wish.previous,
        source_run=request.source_run,
        again_of=wish.again_of,
        sweep_id=wish.sweep_id,
        state=state,
        events=0,
        attention=True,
        created_at=now,
        started_at=now if state is RunState.RUNNING else None,
    )
    runs.add(session, run, _node_rows(wish, settings, chosen), digests)
    message = "started" if state is RunState.RUNNING else "waits for other runs of the workflow to end"
    runs.tell(session, run.id, [runs.Happening(None, state, f"{message}, for {owner.name}")], now)
    after_commit(session, lambda: ctx.fanout.wake(RUNS_TOPIC))
    return run.id


def of_workflow(session: Session, workflow_id: str, number: int | None, request: RunRequest) -> Wish:
    """A person's wish for a run of a workflow's version; of the latest, if none is named.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
    """
    version = (
        workflows.latest(session, workflow_id)[1]
        if number is None
        else workflows.version_of(session, workflow_id, number)
    )
    return Wish(
        graph=workflows.graph_of(version),
        request=request,
        trigger=Trigger.MANUAL,
        workflow_id=workflow_id,
        version=version.number,
    )


def describe(ctx: Context, session: Session, run_id: str) -> RunDetail:
    """The run with its graph and nodes.

    Raises:
        NotFound: `run_not_found`.
    """
    return run_views.describe(ctx, session, run_id)


def run_again(ctx: Context, session: Session, run_id: str, wish: RunAgain, owner: User) -> str:
    """Make a new run of the same frozen graph; its id.

    Raises:
        NotFound: `run_not_found`.
        TorchyardError: See `create`.
    """
    run = find(session, run_id)
    request = RunRequest(
        mode=_repeated(session, run),
        parameters={**run.parameters, **wish.parameters},
        source_run=run.source_run,
        force=run.force if wish.force is None else wish.force,
        name=run.name if wish.name is None else wish.name,
        data_time=run.data_time,
    )
    repeated = Wish(
        graph=runs.graph_of(session, run_id),
        request=request,
        trigger=Trigger.AGAIN,
        workflow_id=run.workflow_id,
        version=run.version,
        again_of=run.id,
        previous=run.previous_time,
    )
    return create(ctx, session, repeated, owner)


def stop(ctx: Context, session: Session, run_id: str, by: User) -> None:
    """Have nothing more of the run start, and its scripts stopped. The engine does so at once.

    Raises:
        NotFound: `run_not_found`.
        RunEnded: It has ended.
    """
    run = find(session, run_id, lock=True)
    if run.state in RUN_ENDED:
        raise RunEnded(say("run_has_ended", state=say(f"state_{run.state}")), state=run.state)
    if run.stop_requested_at is not None:
        return
    now = ctx.clock.now()
    runs.set_run(session, run_id, stop_requested_at=now)
    told = runs.Happening(None, run.state, f"asked to stop, by {by.name}")
    runs.tell(session, run_id, [told], now, attention=True)
    wake(ctx, session, run_id)


def stop_node(ctx: Context, run_id: str, name: str, by: User) -> None:
    """Stop one node: it does not start any more, or its script is stopped. The rest of the run goes on.

    Raises:
        NotFound: `run_not_found`, `node_not_found`.
        RunEnded: `node_ended`: it has ended, or has no part in the run.
        JobEnded: Its job ended at this moment.
    """
    job_id = None
    with ctx.db.write() as session:
        find(session, run_id, lock=True)
        node = run_nodes.standing(session, run_id, name)
        if node is None:
            raise run_views.node_not_found(name)
        if node.state in NODE_ENDED:
            raise RunEnded(
                say("node_is", node=name, state=say(f"state_{node.state}")),
                code="node_ended",
                state=node.state,
            )
        if node.state in NODE_STARTED:
            job_id = node.job_id
        else:
            _cancel_waiting(ctx, session, run_id, name, by)
    # In a transaction of its own: whoever changes a job locks its attempt before the run.
    if job_id is not None:
        with ctx.db.write() as session:
            jobs.cancel(ctx, session, job_id, by)


def delete(ctx: Context, session: Session, run_id: str) -> None:
    """Remove a run that has ended; its jobs stay.

    Raises:
        NotFound: `run_not_found`.
        RunNotEnded: It has not ended.
    """
    run = find(session, run_id, lock=True)
    if run.state not in RUN_ENDED:
        raise RunNotEnded(
            say("run_is", state=say(f"state_{run.state}")),
            hint="stop it and wait for its end",
            state=run.state,
        )
    runs.remove(session, run_id)
    after_commit(session, lambda: ctx.fanout.wake(run_topic(run_id)))


def find(session: Session, run_id: str, *, lock: bool = False) -> RunRow:
    """The run, without its graph.

    Raises:
        NotFound: `run_not_found`.
    """
    run = runs.find(session, run_id, lock=lock)
    if run is None:
        raise run_views.run_not_found()
    return run


def wake(ctx: Context, session: Session, run_id: str) -> None:
    """Wake the engine and who follows the run, after the commit."""
    for topic in (RUNS_TOPIC, run_topic(run_id)):
        after_commit(session, functools.partial(ctx.fanout.wake, topic))


def admit(session: Session, workflow_id: str, settings: GraphSettings, *, may_refuse: bool) -> RunState:
    """Whether one run more of the workflow may begin now. The workflow has to be locked.

    Raises:
        RunRefused: It may not, and the workflow says to refuse then.
    """
    going_on = runs.count(session, workflow_id)
    if going_on < settings.concurrent_runs:
        return RunState.RUNNING
    if may_refuse and settings.when_busy is WhenBusy.REFUSE:
        raise RunRefused(
            say("runs_at_limit", limit=settings.concurrent_runs),
            hint=say("hint_runs_at_limit"),
        )
    return RunState.QUEUED


def use_blobs(ctx: Context, session: Session, graph: Graph, names: Collection[str]) -> set[str]:
    """The SHA-256s of all files that the graph names and that are there; their use is noted.

    Args:
        ctx: What the use cases work with.
        session: The writing transaction.
        graph: The graph.
        names: The nodes that will run, and that need theirs.

    Raises:
        BlobNotUploaded: One that is needed is not there.
    """
    named = list(files_of(graph))
    known = blobs.find_all(session, {file.sha256 for file in named}).keys()
    needed = {node.name for node in graph.nodes if node.name in names and not node.skip}
    for file in named:
        if file.sha256 not in known and file.node in needed:
            raise BlobNotUploaded(
                say("file_of_node_missing", node=file.node),
                field=f"{file.node}.{file.field}",
                hint=say("hint_blob_first"),
                node=file.node,
                sha256=file.sha256,
            )
    blobs.touch_all(session, known, ctx.clock.now())
    return set(known)


def _repeated(session: Session, run: RunRow) -> Mode:
    """The run's mode; what was unfinished then are certain nodes now."""
    mode = Mode.model_validate(run.mode)
    if mode.kind is not ModeKind.UNFINISHED:
        return mode
    states = run_nodes.states(session, run.id)
    return Mode(
        kind=ModeKind.ONLY,
        nodes=[name for name, state in states.items() if state is not NodeState.LEFT_OUT],
    )


def _is_sound(graph: Graph, data_time: datetime) -> bool:
    """Whether it can be told which nodes a mode means: names and edges are right, whatever the settings."""
    return not validation.problems(graph, now_macros=data_time, only=())


def _admitted(session: Session, wish: Wish) -> RunState:
    if wish.workflow_id is None:
        return RunState.RUNNING
    if not runs.lock_workflow(session, wish.workflow_id):
        raise NotFound("there is no workflow with this id", code="workflow_not_found")
    if wish.slot is not None and runs.slot_taken(session, wish.workflow_id, wish.slot):
        raise RunRefused("there is a run for this time", code="slot_taken", slot=wish.slot)
    may_refuse = wish.trigger in _BY_PEOPLE
    return admit(session, wish.workflow_id, wish.graph.settings, may_refuse=may_refuse)


def _number(session: Session, wish: Wish) -> int | None:
    if wish.workflow_id is None:
        return None
    given: dict[str, Any] | None = dict(wish.request.parameters) if wish.trigger is Trigger.MANUAL else None
    return runs.next_number(session, wish.workflow_id, last_parameters=given)


def check_runtimes(
    ctx: Context, session: Session, graph: Graph, settings: Mapping[str, Mapping[str, JsonValue]]
) -> None:
    """Refuse nodes that name a runtime which no worker ever offered.

    Raises:
        RuntimeUnknown: One does.
    """
    checked: set[str] = set()
    for node in graph.nodes:
        runtime = settings[node.name].get("runtime")
        if node.kind is NodeKind.PYTORCH and isinstance(runtime, str) and runtime not in checked:
            jobs.check_runtime(ctx, session, runtime)
            checked.add(runtime)


def _node_rows(
    wish: Wish, settings: Mapping[str, Mapping[str, JsonValue]], chosen: sources.Choice
) -> list[dict[str, Any]]:
    return [
        {
            "name": node.name,
            "position": position,
            "workflow_id": wish.workflow_id,
            "kind": node.kind,
            "state": NodeState.WAITING if node.name in chosen.selected else NodeState.LEFT_OUT,
            "settings": settings[node.name],
            "attempts": 0,
            "inputs_from": chosen.inputs_from.get(node.name, {}),
            "components": {},
        }
        for position, node in enumerate(wish.graph.nodes)
    ]


def _cancel_waiting(ctx: Context, session: Session, run_id: str, name: str, by: User) -> None:
    now, sentence = ctx.clock.now(), say("node_stopped")
    change = {"name": name, "state": NodeState.CANCELLED, **spoken(sentence), "finished_at": now}
    run_nodes.change(session, run_id, [change])
    told = runs.Happening(name, NodeState.CANCELLED, f"stopped before it started, by {by.name}")
    runs.tell(session, run_id, [told], now, attention=True)
    wake(ctx, session, run_id)
