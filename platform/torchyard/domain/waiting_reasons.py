"""Why an attempt waits, in one sentence."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from torchyard.contracts.sayings import Sentence, say
from torchyard.domain.rooms import Bench, Need, Room
from torchyard.domain.workers import Workers


class Reason(NamedTuple):
    """Why a need can't be met at the moment."""

    sentence: Sentence
    #: Whether those with the same need wait behind the first one; else for the same thing.
    queue: bool


class Told:
    """The reasons at one moment, each found when it is first asked for."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._reasons: dict[Need, Reason] = {}

    def of(self, need: Need) -> Reason:
        """Why those with this need wait."""
        reason = self._reasons.get(need)
        if reason is None:
            reason = self._reasons[need] = self._find(need)
        return reason

    def _find(self, need: Need) -> Reason:
        benches, drained = list(self._workers.benches.values()), self._drained()
        if not benches:
            only = say("wait_only_draining", drained=drained) if drained else say("wait_no_worker")
            return Reason(only, queue=False)
        offering = [bench for bench in benches if need.runtime in bench.worker.runtimes]
        if not offering:
            sentence = (
                say("wait_runtime_draining", runtime=need.runtime, drained=drained)
                if drained
                else say("wait_no_runtime", runtime=need.runtime)
            )
            return Reason(sentence, queue=False)
        able = [bench for bench in offering if bench.whole.holds(need)]
        if not able:
            sentence = _never(need, [bench.whole for bench in offering])
            if drained:
                sentence = say("wait_after", first=drained, then=sentence)
            return Reason(sentence, queue=False)
        return Reason(self._later(need, able), queue=True)

    def _later(self, need: Need, able: list[Bench]) -> Sentence:
        roomy = [bench for bench in able if bench.free.holds(need)]
        kept = [bench for bench in roomy if bench.worker.worker_id in self._workers.kept]
        if kept:
            keeper = min(kept, key=lambda bench: bench.worker.worker_id)
            return say("wait_kept", worker=keeper.worker.name)
        if roomy:  # it came, or room did, since the last decision
            return say("wait_unplanned")
        return _not_now(need, [bench.free for bench in able])

    def _drained(self) -> Sentence | None:
        draining = (worker for worker in self._workers.capacities.values() if worker.draining)
        names = sorted(worker.name for worker in draining)
        return say("drained", names=names, count=len(names)) if names else None


class _Amount(NamedTuple):
    """One kind of resource: how much is needed, and the most that one worker has of it."""

    words: Sentence
    needed: int
    most: int
    most_words: str


def _amounts(need: Need, rooms: Sequence[Room]) -> list[_Amount]:
    gpus = max(len(room.matching(need)) for room in rooms) if need.gpus else 0
    cpus = max(0, *(room.cpus for room in rooms))
    memory_mb = max(0, *(room.memory_mb for room in rooms))
    asked = say("gpus_of_model", count=need.gpus, model=need.model) if need.model else None
    return [
        _Amount(asked or say("gpus", count=need.gpus), need.gpus, gpus, str(gpus)),
        _Amount(say("cpus", count=need.cpus), need.cpus, cpus, str(cpus)),
        _Amount(
            say("memory", mb=need.memory_mb), need.memory_mb, memory_mb, say("plain_memory", mb=memory_mb)
        ),
    ]


def _never(need: Need, rooms: Sequence[Room]) -> Sentence:
    amounts = _amounts(need, rooms)
    short = next((amount for amount in amounts if amount.most < amount.needed), None)
    if short:
        return say("wait_too_large", amount=short.words, most=short.most_words)
    return say("wait_too_large_together", amounts=_together(amounts))


def _not_now(need: Need, rooms: Sequence[Room]) -> Sentence:
    amounts = _amounts(need, rooms)
    short = next((amount for amount in amounts if amount.most < amount.needed), None)
    if short:
        return say("wait_short", amount=short.words, most=short.most_words)
    return say("wait_short_together", amounts=_together(amounts))


def _together(amounts: Iterable[_Amount]) -> list[Sentence]:
    return [amount.words for amount in amounts if amount.needed]
