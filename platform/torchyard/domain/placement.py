"""Which waiting attempt starts on which worker, and why the others wait.

One pass over the queue in its order: priority, then fair share, then age. An attempt that fits starts on the
worker it fills best. One that doesn't fit lets later ones pass, but once it has waited long enough, what it
needs is kept free for it on one worker. Room only shrinks during the pass, so a request that failed once
fails for all that ask for the same: a long queue costs hardly more than its sorting.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from torchyard.contracts.jobs import Resources, Waiting
from torchyard.contracts.runner import Gpu
from torchyard.contracts.sayings import Sentence, say


@dataclass(frozen=True, kw_only=True)
class WaitingAttempt:
    """An attempt that has no worker yet."""

    attempt_id: str
    #: Who shares fairly with whom.
    owner: str
    #: Higher goes first.
    priority: int
    queued_at: datetime
    #: A pause after a failure: not placed before.
    not_before: datetime | None = None
    resources: Resources
    runtime: str
    #: Workers that may have its inputs already; one of them is preferred, never waited for.
    near: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class WorkerCapacity:
    """A connected worker: what it has, and what of it is free."""

    worker_id: str
    name: str
    cpus: int
    memory_mb: int
    gpus: tuple[Gpu, ...]
    runtimes: frozenset[str]
    free_cpus: int
    free_memory_mb: int
    free_gpus: tuple[Gpu, ...]
    #: An administrator wants it to be given nothing new.
    draining: bool = False


@dataclass(frozen=True, kw_only=True)
class Placement:
    """This attempt starts on this worker."""

    attempt_id: str
    worker_id: str
    #: UUIDs of the GPUs it is given.
    gpus: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Each waiting attempt is in exactly one of both."""

    placements: tuple[Placement, ...]
    #: By attempt, in the order of the queue.
    waiting: dict[str, Waiting]


@dataclass(frozen=True, kw_only=True)
class PlacementSettings:
    """How placing weighs throughput against patience."""

    #: Older than this, an attempt that doesn't fit has what it needs kept free on one worker.
    starvation_after: timedelta = timedelta(minutes=5)


_DEFAULT_SETTINGS = PlacementSettings()


def plan(
    waiting: Iterable[WaitingAttempt],
    workers: Iterable[WorkerCapacity],
    running_by_owner: Mapping[str, int],
    now: datetime,
    settings: PlacementSettings = _DEFAULT_SETTINGS,
) -> Plan:
    """Decide over the whole queue. The same input in any order gives the same plan.

    Args:
        waiting: All attempts without a worker.
        workers: All connected workers.
        running_by_owner: How many attempts of each owner hold a worker; none, if left out.
        now: The time now.
        settings: See there.
    """
    yard = _Yard(workers, now - settings.starvation_after)
    placed = defaultdict(int, running_by_owner)
    placements: list[Placement] = []
    explained: dict[str, Waiting] = {}
    ready, resting = _split(waiting, now)
    for attempt in _in_order(ready, placed):
        placement = yard.place(attempt)
        if placement is None:
            why = yard.explain(attempt, ahead=len(explained))
            explained[attempt.attempt_id] = Waiting.said(len(explained) + 1, why)
        else:
            placements.append(placement)
            placed[attempt.owner] += 1
    for until, attempt_id in resting:
        why = say("wait_pause", until=f"{until:%H:%M:%S}")
        explained[attempt_id] = Waiting.said(len(explained) + 1, why)
    return Plan(placements=tuple(placements), waiting=explained)


def _split(
    waiting: Iterable[WaitingAttempt], now: datetime
) -> tuple[list[WaitingAttempt], list[tuple[datetime, str]]]:
    """Those that may be placed now; and until when each of the others rests, the next one first."""
    ready, resting = [], []
    for attempt in waiting:
        if attempt.not_before is not None and attempt.not_before > now:
            resting.append((attempt.not_before, attempt.attempt_id))
        else:
            ready.append(attempt)
    return ready, sorted(resting)


def _in_order(waiting: Iterable[WaitingAttempt], placed: Mapping[str, int]) -> Iterator[WaitingAttempt]:
    """The queue in its order; `placed` may grow between two steps, and the order follows."""
    lines: dict[tuple[int, str], list[WaitingAttempt]] = defaultdict(list)
    # Each line's next is at its end.
    for attempt in sorted(waiting, key=attrgetter("queued_at", "attempt_id"), reverse=True):
        lines[-attempt.priority, attempt.owner].append(attempt)
    heads = [_head(line, placed) for line in lines.values()]
    heapq.heapify(heads)
    while heads:
        urgency, _, _, _, owner = heads[0]
        line = lines[urgency, owner]
        # A line whose owner was given something in a line of higher priority has moved back meanwhile.
        if heads[0][1] != placed[owner]:
            heapq.heapreplace(heads, _head(line, placed))
            continue
        yield line.pop()
        if line:
            heapq.heapreplace(heads, _head(line, placed))
        else:
            heapq.heappop(heads)


def _head(line: Sequence[WaitingAttempt], placed: Mapping[str, int]) -> tuple[int, int, datetime, str, str]:
    attempt = line[-1]
    return (-attempt.priority, placed[attempt.owner], attempt.queued_at, attempt.attempt_id, attempt.owner)


class _Need(NamedTuple):
    """What an attempt asks for; attempts with the same need stand or fall together."""

    gpus: int
    model: str
    cpus: int
    memory_mb: int
    runtime: str

    @classmethod
    def of(cls, attempt: WaitingAttempt) -> "_Need":
        asked = attempt.resources
        model = (asked.gpu_model or "").lower() if asked.gpus else ""
        return cls(asked.gpus, model, asked.cpus, asked.memory_mb, attempt.runtime)


@dataclass(kw_only=True)
class _Room:
    """An amount of everything on one worker."""

    cpus: int
    memory_mb: int
    gpus: list[Gpu]

    def matching(self, need: _Need) -> list[Gpu]:
        return [gpu for gpu in self.gpus if need.model in gpu.model.lower()] if need.model else self.gpus

    def holds(self, need: _Need) -> bool:
        return (
            self.cpus >= need.cpus
            and self.memory_mb >= need.memory_mb
            and len(self.gpus) >= need.gpus
            and (not need.model or len(self.matching(need)) >= need.gpus)
        )

    def lacks(self, need: _Need) -> tuple[int, int, int]:
        return (
            max(0, need.gpus - len(self.matching(need))),
            max(0, need.cpus - self.cpus),
            max(0, need.memory_mb - self.memory_mb),
        )

    def choose(self, need: _Need) -> list[Gpu]:
        """The GPUs to give: small ones first, large ones stay for who needs them."""
        return sorted(self.matching(need), key=attrgetter("memory_mb", "uuid"))[: need.gpus]

    def take(self, need: _Need, gpus: Sequence[Gpu]) -> None:
        taken = {gpu.uuid for gpu in gpus}
        self.cpus -= need.cpus
        self.memory_mb -= need.memory_mb
        self.gpus = [gpu for gpu in self.gpus if gpu.uuid not in taken]


@dataclass(kw_only=True)
class _Bench:
    """One worker during the pass."""

    worker: WorkerCapacity
    #: What it has when nothing runs.
    whole: _Room
    #: What nobody has.
    free: _Room
    #: What of it anybody may have: less than `free` where some is kept.
    open: _Room
    kept: bool = False

    def rank(self, need: _Need, near: Collection[str]) -> tuple[bool, int, bool, int, int, str]:
        """Best fit first: no GPUs where none are asked for, few GPUs left, then near, then little else left.

        Fitting cores and memory closely gains less than what need not be fetched; GPUs are worth more.
        """
        worker, free = self.worker, self.open
        wasted, left = bool(worker.gpus) and not need.gpus, len(free.gpus) - need.gpus
        cpus, memory_mb = free.cpus - need.cpus, free.memory_mb - need.memory_mb
        return wasted, left, worker.worker_id not in near, cpus, memory_mb, worker.worker_id


@dataclass
class _Refusal:
    """Why a need can't be met for the rest of the pass."""

    sentence: Sentence
    #: Whether those with the same need wait behind the first one; else for the same thing.
    queue: bool
    #: The workers that could meet it, if they were empty.
    able: list[_Bench] = field(default_factory=list)


class _Yard:
    """All workers during the pass; room on them only ever shrinks."""

    def __init__(self, workers: Iterable[WorkerCapacity], starving_before: datetime) -> None:
        connected = sorted(workers, key=attrgetter("worker_id"))
        self._benches = [_bench(worker) for worker in connected if not worker.draining]
        self._draining = sorted(worker.name for worker in connected if worker.draining)
        self._unkept = len(self._benches)
        self._starving_before = starving_before
        self._refused: dict[_Need, _Refusal] = {}
        self._by_runtime: dict[str, list[_Bench]] = defaultdict(list)
        for bench in self._benches:
            for runtime in bench.worker.runtimes:
                self._by_runtime[runtime].append(bench)

    def place(self, attempt: WaitingAttempt) -> Placement | None:
        need = _Need.of(attempt)
        if need in self._refused:
            return None
        fitting = [bench for bench in self._by_runtime.get(need.runtime, ()) if bench.open.holds(need)]
        if not fitting:
            return None
        bench = min(fitting, key=lambda bench: bench.rank(need, attempt.near))
        gpus = bench.open.choose(need)
        bench.open.take(need, gpus)
        bench.free.take(need, gpus)
        return Placement(
            attempt_id=attempt.attempt_id,
            worker_id=bench.worker.worker_id,
            gpus=tuple(gpu.uuid for gpu in gpus),
        )

    def explain(self, attempt: WaitingAttempt, *, ahead: int) -> Sentence:
        """Why an attempt that could not be placed waits; may keep room for it."""
        need = _Need.of(attempt)
        refusal = self._refused.get(need)
        first = refusal is None
        if refusal is None:
            refusal = self._refused[need] = self._refuse(need)
        if attempt.queued_at <= self._starving_before and self._unkept:
            self._keep(need, refusal)
        if first or not refusal.queue:
            return refusal.sentence
        return say("wait_turn", count=ahead)

    def _refuse(self, need: _Need) -> _Refusal:
        if not self._benches:
            drained = self._drained()
            only = say("wait_only_draining", drained=drained) if drained else say("wait_no_worker")
            return _Refusal(only, queue=False)
        benches = self._by_runtime.get(need.runtime)
        if not benches:
            drained = self._drained()
            sentence = (
                say("wait_runtime_draining", runtime=need.runtime, drained=drained)
                if drained
                else say("wait_no_runtime", runtime=need.runtime)
            )
            return _Refusal(sentence, queue=False)
        able = [bench for bench in benches if bench.whole.holds(need)]
        if not able:
            drained, sentence = self._drained(), _never(need, [bench.whole for bench in benches])
            if drained:
                sentence = say("wait_after", first=drained, then=sentence)
            return _Refusal(sentence, queue=False)
        keeper = next((bench for bench in able if bench.free.holds(need)), None)
        if keeper:
            sentence = say("wait_kept", worker=keeper.worker.name)
        else:
            sentence = _not_now(need, [bench.free for bench in able])
        return _Refusal(sentence, queue=True, able=able)

    def _drained(self) -> Sentence | None:
        if not self._draining:
            return None
        return say("drained", names=self._draining, count=len(self._draining))

    def _keep(self, need: _Need, refusal: _Refusal) -> None:
        """Keep what the need takes on the worker that lacks least of it.

        What it lacks there can only become less until the next pass, so that one will not choose a worker
        that is further from being free, and the attempt starts in the end.
        """
        refusal.able = [bench for bench in refusal.able if not bench.kept]
        if not refusal.able:
            return
        bench = min(refusal.able, key=lambda bench: (bench.free.lacks(need), bench.worker.worker_id))
        bench.open.take(need, bench.open.choose(need))
        bench.kept = True
        self._unkept -= 1


def _bench(worker: WorkerCapacity) -> _Bench:
    whole = _Room(cpus=worker.cpus, memory_mb=worker.memory_mb, gpus=list(worker.gpus))
    cpus, memory_mb = max(0, worker.free_cpus), max(0, worker.free_memory_mb)
    free, unkept = (_Room(cpus=cpus, memory_mb=memory_mb, gpus=list(worker.free_gpus)) for _ in range(2))
    return _Bench(worker=worker, whole=whole, free=free, open=unkept)


class _Amount(NamedTuple):
    """One kind of resource: how much is needed, and the most that one worker has of it."""

    words: Sentence
    needed: int
    most: int
    most_words: str


def _amounts(need: _Need, rooms: Sequence[_Room]) -> list[_Amount]:
    gpus = max(len(room.matching(need)) for room in rooms) if need.gpus else 0
    cpus, memory_mb = max(room.cpus for room in rooms), max(room.memory_mb for room in rooms)
    asked = say("gpus_of_model", count=need.gpus, model=need.model) if need.model else None
    return [
        _Amount(asked or say("gpus", count=need.gpus), need.gpus, gpus, str(gpus)),
        _Amount(say("cpus", count=need.cpus), need.cpus, cpus, str(cpus)),
        _Amount(
            say("memory", mb=need.memory_mb), need.memory_mb, memory_mb, say("plain_memory", mb=memory_mb)
        ),
    ]


def _never(need: _Need, rooms: Sequence[_Room]) -> Sentence:
    amounts = _amounts(need, rooms)
    short = next((amount for amount in amounts if amount.most < amount.needed), None)
    if short:
        return say("wait_too_large", amount=short.words, most=short.most_words)
    return say("wait_too_large_together", amounts=_together(amounts))


def _not_now(need: _Need, rooms: Sequence[_Room]) -> Sentence:
    amounts = _amounts(need, rooms)
    short = next((amount for amount in amounts if amount.most < amount.needed), None)
    if short:
        return say("wait_short", amount=short.words, most=short.most_words)
    return say("wait_short_together", amounts=_together(amounts))


def _together(amounts: Iterable[_Amount]) -> list[Sentence]:
    return [amount.words for amount in amounts if amount.needed]
