"""What has to be known of a node before it starts, found out outside any transaction.

A dataset's paths are looked for, and what decides a node's result is taken down, so that an earlier result
may stand in for it. What needs the network is done in threads of its own: a storage that hangs holds up its
node alone.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog

from torchyard.contracts.graphs import DatasetSettings, NodeKind, Reuse
from torchyard.contracts.jobs import Reason
from torchyard.contracts.sayings import say
from torchyard.contracts.storage_paths import split_paths
from torchyard.errors import Forbidden, NotFound, TorchyardError, Unavailable
from torchyard.services import connections, reusing
from torchyard.services.context import Context
from torchyard.services.reusing import Known

log = structlog.get_logger()

#: Looks at a storage that is away or busy before its node fails.
_TRIES = 3
#: Nodes that are made ready and were never started; beyond this they are found out once more.
_MAX_KEPT = 5_000
_NOTHING_KNOWN = Known(components={})


class Start(NamedTuple):
    """A node that is about to start, with all that it depends on.

    Attributes:
        run_id: Its run.
        owner_id: Whose run it is.
        name: Its name.
        kind: What it does.
        settings: What its job gets.
        reuse: When an earlier result may stand in for it; None: never, as far as the workflow goes.
        inputs: Where the folders in `inputs/` come from, by their names.
    """

    run_id: str
    owner_id: str
    name: str
    kind: NodeKind
    settings: Mapping[str, Any]
    reuse: Reuse | None
    inputs: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What was found out.

    Attributes:
        start: The node, as it was then; if it differs by now, this counts no more.
        reason: Why it can't be started; None if it can.
        sentence: The same in a sentence; or what a dataset holds.
        known: What decides its result.
    """

    start: Start
    reason: Reason | None = None
    sentence: str | None = None
    known: Known = _NOTHING_KNOWN


class Readying:
    """Finds things out, and keeps them until the node starts."""

    def __init__(
        self, ctx: Context, pool: Executor, on_ready: Callable[[str], None], *, pause: float = 1.0
    ) -> None:
        """Nothing is begun yet.

        Args:
            ctx: What the use cases work with.
            pool: Where the network is waited for.
            on_ready: Called, from any thread, with the id of a run one of whose nodes has become ready.
            pause: Seconds between two looks at a storage that is away.
        """
        self._ctx = ctx
        self._pool = pool
        self._on_ready = on_ready
        self._pause = pause
        self._ready: dict[tuple[str, str], Ready] = {}
        self._begun: dict[tuple[str, str], Future[Ready]] = {}
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Don't look a second time any more."""
        self._stopped.set()

    def begin(self, start: Start) -> None:
        """Find out what has to be known of the node, unless that is known or under way."""
        key = (start.run_id, start.name)
        if self.of(start) is not None or self.is_pending(*key):
            return
        if not _needs_network(start):
            self._keep(self._find_out(start))
            return
        future = self._pool.submit(self._find_out, start)
        self._begun[key] = future
        future.add_done_callback(lambda _: self._on_ready(start.run_id))

    def of(self, start: Start) -> Ready | None:
        """What was found out of the node as it is now; None if that has to be begun, or has not ended."""
        key = (start.run_id, start.name)
        begun = self._begun.get(key)
        if begun is not None and begun.done():
            del self._begun[key]
            self._keep(begun.result())
        found = self._ready.get(key)
        return found if found is not None and found.start == start else None

    def is_pending(self, run_id: str, name: str) -> bool:
        """Whether `on_ready` will be called for it."""
        begun = self._begun.get((run_id, name))
        return begun is not None and not begun.done()

    def forget(self, run_id: str, name: str) -> None:
        """The node was started, or will not be."""
        self._ready.pop((run_id, name), None)

    def forget_run(self, run_id: str) -> None:
        """The run has ended."""
        for known in (self._ready, self._begun):
            for key in [key for key in known if key[0] == run_id]:
                del known[key]

    def _keep(self, ready: Ready) -> None:
        while len(self._ready) >= _MAX_KEPT:
            del self._ready[next(iter(self._ready))]
        self._ready[ready.start.run_id, ready.start.name] = ready

    def _find_out(self, start: Start) -> Ready:
        try:
            if start.kind is NodeKind.DATASET:
                told = self._patiently(lambda: self._dataset(start))
                return Ready(start=start, sentence=told, known=reusing.of_dataset(self._ctx, start.settings))
            known = reusing.of_job(
                self._ctx, start.owner_id, start.settings, start.inputs, ask=start.reuse is not None
            )
            return Ready(start=start, known=known)
        except TorchyardError as problem:
            return Ready(start=start, reason=reason_of(problem), sentence=sentence_of(problem))
        except Exception:  # the outermost boundary of a thread: its node fails, and the run goes on
            log.exception("node_not_readied", run=start.run_id, node=start.name)
            return Ready(start=start, reason=Reason.INTERNAL, sentence=say("node_not_started_internal"))

    def _patiently(self, look: Callable[[], str]) -> str:
        for _ in range(_TRIES - 1):
            try:
                return look()
            except Unavailable as problem:
                log.warning("dataset_unavailable", problem=problem.message)
                self._stopped.wait(self._pause)
        return look()

    def _dataset(self, start: Start) -> str:
        settings = DatasetSettings.model_validate(start.settings)
        paths = split_paths(settings.paths)
        files, size, more = len(settings.files), 0, False
        for path in paths:
            with self._ctx.db.read() as session:
                (access,) = connections.resolve(self._ctx, session, str(path))
            if settings.check:
                found = self._ctx.buckets.find(access, path)
                files, size, more = files + found.files, size + found.size, more or found.more
        if paths and not settings.check:
            return say("dataset_unchecked")
        if not paths:
            return say("dataset_files", count=files)
        return say("dataset_files_more" if more else "dataset_files_stored", count=files, bytes=size)


def reason_of(problem: TorchyardError) -> Reason:
    """Why a node failed that could not be started."""
    if problem.code in set(Reason):
        return Reason(problem.code)
    if isinstance(problem, Forbidden):
        return Reason.DEPENDENCY_FORBIDDEN
    if isinstance(problem, NotFound):
        return Reason.DEPENDENCY_NOT_FOUND
    return Reason.DEPENDENCY_UNAVAILABLE if isinstance(problem, Unavailable) else Reason.INTERNAL


def sentence_of(problem: TorchyardError) -> str:
    """The same in a sentence."""
    return say("node_not_started", problem=problem.message)


def _needs_network(start: Start) -> bool:
    if start.kind is NodeKind.DATASET:
        return bool(start.settings.get("paths")) and start.settings.get("check", True) is True
    if start.reuse is None:
        return False
    given = [*start.inputs.values(), *start.settings.get("inputs", {}).values()]
    return bool(start.settings.get("dependency_paths")) or any("://" in source for source in given)
