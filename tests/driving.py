"""Runs driven step by step: an engine that looks when it is told to, and a worker that does as it is told."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from typing import Any

from tests.factories import admin, latest_attempt, register, stored

from torchyard.contracts.graphs import Graph
from torchyard.contracts.runner import Cause, Finish, Outcome, ProducedFile, Report
from torchyard.contracts.runs import NodeRun, NodeState, Resume, RunDetail, RunRequest, Trigger
from torchyard.contracts.workflows import WorkflowCreate, WorkflowSave
from torchyard.services import attempts, resuming, runs, scheduling, versions, workflows
from torchyard.services.advancing import Engine
from torchyard.services.context import Context
from torchyard.services.runs import Wish
from torchyard.storage import attempts as stored_attempts
from torchyard.storage import jobs as stored_jobs
from torchyard.storage.tables import WorkerRow


class AtOnce(Executor):
    """Does everything in the thread that asks for it."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args, **more))
        return done


class Later(Executor):
    """Does what it was given when it is told to."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.work.append(lambda: future.set_result(work(*args, **more)))
        return future

    def do(self) -> None:
        work, self.work = self.work, []
        for one in work:
            one()


class Driver:
    """Starts runs, and plays the worker that their jobs go to."""

    def __init__(self, ctx: Context, pool: Executor | None = None) -> None:
        self.ctx = ctx
        self.pool = pool or AtOnce()
        self.engine = self.new_engine()
        self.worker: WorkerRow = register(ctx, name="worker", cpus=100_000, memory_mb=2**30)[0]

    def new_engine(self) -> Engine:
        """As after a restart of the platform."""
        self.engine = Engine(self.ctx, self.pool, pause=0.0)
        return self.engine

    def workflow(self, graph: Graph, name: str = "w") -> str:
        """A saved workflow of this graph; its id."""
        owner = admin(self.ctx)
        with self.ctx.db.write() as session:
            return workflows.create(self.ctx, session, WorkflowCreate(name=name, graph=graph), owner)

    def save(self, workflow_id: str, graph: Graph) -> None:
        """Another version of the workflow."""
        with self.ctx.db.read() as session:
            number = workflows.find(session, workflow_id).version
        versions.save(self.ctx, workflow_id, number, WorkflowSave(graph=graph), admin(self.ctx))

    def start(
        self,
        graph: Graph | None = None,
        *,
        workflow: str | None = None,
        trigger: Trigger = Trigger.MANUAL,
        look: bool = True,
        **request: Any,
    ) -> str:
        """A run; its id."""
        owner, wanted = admin(self.ctx), RunRequest.model_validate(request)
        with self.ctx.db.write() as session:
            if workflow is not None:
                wish = runs.of_workflow(session, workflow, None, wanted)
                wish = Wish(**{**vars(wish), "trigger": trigger})
            else:
                assert graph is not None
                wish = Wish(graph=graph, request=wanted, trigger=trigger)
            run_id = runs.create(self.ctx, session, wish, owner)
        if look:
            self.engine.look()
        return run_id

    def get(self, run_id: str) -> RunDetail:
        with self.ctx.db.read() as session:
            return runs.describe(self.ctx, session, run_id)

    def node(self, run_id: str, name: str) -> NodeRun:
        return next(node for node in self.get(run_id).nodes if node.name == name)

    def states(self, run_id: str) -> dict[str, str]:
        return {node.name: str(node.state) for node in self.get(run_id).nodes}

    def take(self, run_id: str, name: str) -> str:
        """Have the node's script run; the id of its attempt."""
        attempt_id = self.claim(run_id, name)
        worker = self._worker_of(attempt_id)
        with self.ctx.db.write() as session:
            attempts.report(
                self.ctx, session, worker, attempt_id, Report(number=1, state="running", message="runs")
            )
        return attempt_id

    def _worker_of(self, attempt_id: str) -> WorkerRow:
        with self.ctx.db.read() as session:
            held = stored_attempts.find(session, attempt_id)
        assert held is not None
        assert held.worker is not None
        return held.worker

    def claim(self, run_id: str, name: str) -> str:
        """Have the worker take the node's job; the id of its attempt."""
        scheduling.schedule(self.ctx)
        attempt_id = self.attempt(run_id, name)
        worker = self._worker_of(attempt_id)
        with self.ctx.db.write() as session:
            given = attempts.claim(self.ctx, session, worker, attempt_id)
        assert given is not None
        self.claimed = given
        return attempt_id

    def attempt(self, run_id: str, name: str) -> str:
        job_id = self.node(run_id, name).job
        assert job_id is not None
        return latest_attempt(self.ctx, job_id).attempt.id

    def end(
        self,
        run_id: str,
        name: str,
        exit_code: int = 0,
        *,
        files: Mapping[str, bytes] | None = None,
        cause: Cause = Cause.EXITED,
        fetched: Mapping[str, str] | None = None,
        look: bool = True,
    ) -> None:
        """Have the node's script end, from wherever its job stands."""
        attempt_id = self.attempt(run_id, name)
        if self.node(run_id, name).state is NodeState.QUEUED:
            attempt_id = self.take(run_id, name)
        left = [
            ProducedFile(path=path, size=len(content), sha256=stored(self.ctx, content).sha256)
            for path, content in (files or {}).items()
        ]
        outcome = Outcome(cause=cause, exit_code=exit_code if cause is Cause.EXITED else None)
        worker = self._worker_of(attempt_id)
        final = Finish(outcome=outcome, artifacts=left, fetched=dict(fetched) if fetched else None)
        with self.ctx.db.write() as session:
            attempts.finish(self.ctx, session, worker, attempt_id, final)
        if look:
            self.engine.look()

    def end_all(self, run_id: str, names: Iterable[str]) -> None:
        for name in names:
            self.end(run_id, name)

    def stop(self, run_id: str, *, look: bool = True) -> None:
        owner = admin(self.ctx)
        with self.ctx.db.write() as session:
            runs.stop(self.ctx, session, run_id, owner)
        if look:
            self.engine.look()

    def stop_node(self, run_id: str, name: str) -> None:
        runs.stop_node(self.ctx, run_id, name, admin(self.ctx))
        self.engine.look()

    def resume(self, run_id: str, *, look: bool = True, **wanted: Any) -> None:
        resuming.resume(self.ctx, run_id, Resume.model_validate(wanted), admin(self.ctx))
        if look:
            self.engine.look()

    def inputs(self, run_id: str, name: str) -> dict[str, str]:
        """What the node's latest job was given as inputs."""
        job_id = self.node(run_id, name).job
        assert job_id is not None
        with self.ctx.db.read() as session:
            record = stored_jobs.find(session, job_id)
        assert record is not None
        return dict(record.job.spec["inputs"])
