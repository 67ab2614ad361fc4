"""The engine: looks at runs to which something happened, and has them do what comes next.

What that is, `domain.planning` decides, from the nodes' states alone. It is carried out in one transaction
with the run's row locked: a node's job is inserted together with the node's state, so that a crash at any
moment neither loses a node nor runs it twice.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import NamedTuple

import structlog
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Graph, Reuse, ReuseMode
from torchyard.contracts.jobs import Reason
from torchyard.contracts.runs import NODE_ENDED, RUN_ENDED, NodeState, RunState
from torchyard.contracts.sayings import Sentence, reread, say, spoken
from torchyard.domain import planning
from torchyard.domain.planning import Decision, Plan, Settled
from torchyard.errors import JobEnded, NotFound, TorchyardError
from torchyard.services import jobs, notifications, runs, starting
from torchyard.services.context import RUNS_TOPIC, Context, run_topic
from torchyard.services.readying import Readying, Start
from torchyard.services.run_states import RunStates
from torchyard.storage import run_nodes
from torchyard.storage import runs as stored
from torchyard.storage.database import after_commit
from torchyard.storage.workflow_tables import RunRow

log = structlog.get_logger()

#: Nodes that are started in one transaction: nobody else writes to SQLite meanwhile.
_BATCH = 20
#: Runs of which is known what does not change of them.
_MAX_KNOWN = 200


@dataclass(frozen=True)
class _Frozen:
    """What of a run's graph the engine goes by; a run's graph never changes."""

    plan: Plan
    concurrent_runs: int
    #: How the nodes reuse earlier results that do so at all.
    reuse: Mapping[str, Reuse]

    @classmethod
    def of(cls, graph: Graph) -> "_Frozen":
        reuse = {node.name: node.reuse for node in graph.nodes if node.reuse.mode is ReuseMode.ON}
        return cls(Plan.of(graph), graph.settings.concurrent_runs, reuse)


class _Foreseen(NamedTuple):
    """What is to be done, if nothing more happens to the run before it is.

    Attributes:
        events: How many events the run had when that was decided.
        decision: What is to be done.
    """

    events: int
    decision: Decision


class Engine:
    """Carries all runs out; one at a time does so, though nothing breaks if two do."""

    def __init__(self, ctx: Context, pool: Executor, *, pause: float = 1.0) -> None:
        """Nothing is looked at yet.

        Args:
            ctx: What the use cases work with.
            pool: Where storages are waited for.
            pause: Seconds between two looks at a storage that is away.
        """
        self._ctx = ctx
        self._ready = Readying(ctx, pool, self._look_again_at, pause=pause)
        self._known: OrderedDict[str, _Frozen] = OrderedDict()
        self._states = RunStates()
        self._lock = Lock()
        self._again: set[str] = set()
        self._started = False

    def stop(self) -> None:
        """Wait for no storage any more."""
        self._ready.stop()

    def look(self) -> None:
        """Have every run do what it can do now."""
        if not self._started:
            # What was being found out when the platform ended is nowhere written down.
            with self._ctx.db.read() as session:
                self._again |= set(stored.all_open(session))
            self._started = True
        failed: set[str] = set()
        while True:
            self._let_in()
            with self._ctx.db.read() as session:
                wanted = dict.fromkeys(stored.wanting_attention(session))
            with self._lock:
                wanted |= dict.fromkeys(self._again)
                self._again.clear()
            todo = [run_id for run_id in wanted if run_id not in failed]
            if not todo:
                with self._lock:
                    self._again |= failed
                return
            for run_id in todo:
                if not self._tried(run_id):
                    failed.add(run_id)

    def advance(self, run_id: str) -> None:
        """Have one run do what it can do now; if that is much, a part of it."""
        with self._ctx.db.read() as session:
            run = stored.find(session, run_id)
            if run is None:
                return
            stopping = run.stop_requested_at is not None
            soon: list[Start] = []
            foreseen = None
            if run.state == RunState.RUNNING and not stopping:
                frozen = self._frozen(session, run_id)
                decision = planning.decide(frozen.plan, self._states.of(session, run))
                foreseen = _Foreseen(run.events, decision)
                names = self._not_pending(run_id, decision.start)[:_BATCH]
                soon = starting.starts(session, run, frozen.plan, frozen.reuse, names)
        if stopping:
            self._stop_jobs(run_id)
        for start in soon:
            self._ready.begin(start)
        with self._ctx.db.write() as session:
            self._carry_out(session, run_id, foreseen, jobs_stopped=stopping)

    def _tried(self, run_id: str) -> bool:
        try:
            self.advance(run_id)
        except TorchyardError as problem:
            log.warning("run_not_advanced", run=run_id, code=problem.code, problem=problem.message)
        except Exception:  # one run's boundary: the others have to go on
            log.exception("run_not_advanced", run=run_id)
        else:
            return True
        return False

    def _look_again_at(self, run_id: str) -> None:
        with self._lock:
            self._again.add(run_id)
        self._ctx.fanout.wake(RUNS_TOPIC)

    def _frozen(self, session: Session, run_id: str) -> _Frozen:
        known = self._known.pop(run_id, None)
        if known is None:
            known = _Frozen.of(stored.graph_of(session, run_id))
        self._known[run_id] = known
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return known

    def _let_in(self) -> None:
        """Start runs that waited for others of their workflow, oldest first."""
        with self._ctx.db.read() as session:
            workflows = stored.workflows_with_queue(session)
        for workflow_id in workflows:
            while self._let_one_in(workflow_id):
                pass

    def _let_one_in(self, workflow_id: str) -> bool:
        with self._ctx.db.read() as session:
            if not self._has_room(session, workflow_id):
                return False
        with self._ctx.db.write() as session:
            stored.lock_workflow(session, workflow_id)
            run_id = stored.first_in_queue(session, workflow_id)
            if run_id is None or not self._has_room(session, workflow_id):
                return False
            run = runs.find(session, run_id, lock=True)
            if run.state != RunState.QUEUED or run.stop_requested_at is not None:
                return False  # somebody else was first
            now = self._ctx.clock.now()
            stored.set_run(session, run_id, state=RunState.RUNNING, started_at=run.started_at or now)
            told = stored.Happening(None, RunState.RUNNING, "started")
            stored.tell(session, run_id, [told], now, attention=True)
            after_commit(session, lambda: self._ctx.fanout.wake(run_topic(run_id)))
        return True

    def _has_room(self, session: Session, workflow_id: str) -> bool:
        run_id = stored.first_in_queue(session, workflow_id)
        if run_id is None:
            return False
        return (
            stored.count(session, workflow_id, [RunState.RUNNING])
            < self._frozen(session, run_id).concurrent_runs
        )

    def _stop_jobs(self, run_id: str) -> None:
        with self._ctx.db.read() as session:
            wanted = run_nodes.jobs_to_stop(session, run_id)
        for job_id in wanted:
            try:
                # Each by itself, without the run's row: who changes a job locks its attempt before that.
                with self._ctx.db.write() as session:
                    jobs.stop(self._ctx, session, job_id, say("as_run_stops"))
            except (JobEnded, NotFound):
                continue

    def _carry_out(
        self, session: Session, run_id: str, foreseen: _Foreseen | None, *, jobs_stopped: bool
    ) -> None:
        run = stored.find(session, run_id, lock=True)
        if run is None:
            return
        stopping = run.stop_requested_at is not None
        if run.state in RUN_ENDED or (run.state == RunState.QUEUED and not stopping):
            stored.tell(session, run_id, [], self._ctx.clock.now(), attention=False)
            return
        frozen = self._frozen(session, run_id)
        states = dict(self._states.of(session, run))
        left = _BATCH
        decision = foreseen.decision if foreseen and foreseen.events == run.events and not stopping else None
        while True:
            decision = decision or planning.decide(frozen.plan, states, stopping=stopping)
            self._settle(session, run_id, decision.settled)
            states |= {name: settled.state for name, settled in decision.settled.items()}
            started = self._start(session, run, frozen, self._not_pending(run_id, decision.start)[:left])
            states |= started
            left -= len(started)
            if not left or not NODE_ENDED & set(started.values()):
                break
            decision = None
        waiting = [name for name in decision.start if name not in started]
        # Somebody may have asked to stop it since its jobs were looked at.
        more = not left or bool(self._not_pending(run_id, waiting)) or (stopping and not jobs_stopped)
        if decision.ended is not None:
            self._end(session, run, decision.ended, states)
        stored.tell(session, run_id, [], self._ctx.clock.now(), attention=more)
        after_commit(session, lambda: self._ctx.fanout.wake(run_topic(run_id)))

    def _not_pending(self, run_id: str, names: Iterable[str]) -> list[str]:
        return [name for name in names if not self._ready.is_pending(run_id, name)]

    def _start(
        self, session: Session, run: RunRow, frozen: _Frozen, names: list[str]
    ) -> dict[str, NodeState]:
        """Start those of the nodes that are ready; where they stand then."""
        started = {}
        for start in starting.starts(session, run, frozen.plan, frozen.reuse, names):
            ready = self._ready.of(start)
            if ready is not None:
                started[start.name] = starting.start(self._ctx, session, run, ready)
                after_commit(session, partial(self._ready.forget, run.id, start.name))
        return started

    def _settle(self, session: Session, run_id: str, settled: Mapping[str, Settled]) -> None:
        """Write down which nodes will not start."""
        if not settled:
            return
        now = self._ctx.clock.now()
        run_nodes.change(
            session,
            run_id,
            [
                {
                    "name": name,
                    "state": one.state,
                    "reason": Reason.UPSTREAM_FAILED if one.state is NodeState.UPSTREAM_FAILED else None,
                    **spoken(one.sentence),
                    "finished_at": now,
                }
                for name, one in settled.items()
            ],
        )
        happened = [stored.Happening(name, one.state, one.sentence) for name, one in settled.items()]
        stored.tell(session, run_id, happened, now)

    def _end(self, session: Session, run: RunRow, state: RunState, states: Mapping[str, NodeState]) -> None:
        now = self._ctx.clock.now()
        run.state, run.finished_at = state, now
        ended = _conclusion(session, run.id, state, states)
        run.sentence, run.saying = str.__str__(ended), ended.saying.model_dump(mode="json")
        session.flush()
        stored.tell(session, run.id, [stored.Happening(None, state, run.sentence)], now)
        notifications.run_ended(self._ctx, session, run)
        after_commit(session, partial(self._forget, run.id))

    def _forget(self, run_id: str) -> None:
        self._known.pop(run_id, None)
        self._states.forget(run_id)
        self._ready.forget_run(run_id)


def _conclusion(session: Session, run_id: str, state: RunState, states: Mapping[str, NodeState]) -> Sentence:
    """How the run ended, in one sentence."""
    if state is RunState.SUCCEEDED:
        counts = Counter(one for one in states.values() if one is not NodeState.LEFT_OUT)
        return say(
            "run_done", counts=[say(f"counted_{name}", number=count) for name, count in counts.items()]
        )
    failed = [name for name, one in states.items() if one is NodeState.FAILED]
    if state is RunState.CANCELLED or not failed:
        return say("run_stopped")
    (first,) = run_nodes.rows(session, run_id, failed[:1])
    why = reread(first.sentence or "", first.saying)
    if len(failed) > 1:
        return say("run_failed_more", node=first.name, more=len(failed) - 1, why=why)
    return say("run_failed", node=first.name, why=why)
