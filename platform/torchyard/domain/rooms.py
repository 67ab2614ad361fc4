"""Amounts of what workers have, and the order in which a request would choose among workers."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from torchyard.contracts.runner import Gpu
from torchyard.domain.placement import WaitingAttempt, WorkerCapacity

#: How a worker suits a need, the least the best, and the worker's id.
Rank = tuple[tuple[int, ...], str]


class Need(NamedTuple):
    """What an attempt asks for; attempts with the same need stand or fall together."""

    gpus: int
    model: str
    cpus: int
    memory_mb: int
    runtime: str

    @classmethod
    def of(cls, attempt: WaitingAttempt) -> "Need":
        """The attempt's."""
        asked = attempt.resources
        model = (asked.gpu_model or "").lower() if asked.gpus else ""
        return cls(asked.gpus, model, asked.cpus, asked.memory_mb, attempt.runtime)


@dataclass(kw_only=True, slots=True)
class Room:
    """An amount of everything on one worker; less than nothing, if more was given away than there is."""

    cpus: int
    memory_mb: int
    gpus: list[Gpu]

    def copy(self) -> "Room":
        """The same amount, to be changed by itself."""
        return Room(cpus=self.cpus, memory_mb=self.memory_mb, gpus=list(self.gpus))

    def matching(self, need: Need) -> list[Gpu]:
        """The GPUs of the model that is asked for."""
        return [gpu for gpu in self.gpus if need.model in gpu.model.lower()] if need.model else self.gpus

    def holds(self, need: Need) -> bool:
        """Whether there is enough of everything."""
        return (
            self.cpus >= need.cpus
            and self.memory_mb >= need.memory_mb
            and len(self.gpus) >= need.gpus
            and (not need.model or len(self.matching(need)) >= need.gpus)
        )

    def lacks(self, need: Need) -> tuple[int, int, int]:
        """GPUs, cores and MiB of memory that are missing."""
        return (
            max(0, need.gpus - len(self.matching(need))),
            max(0, need.cpus - max(0, self.cpus)),
            max(0, need.memory_mb - max(0, self.memory_mb)),
        )

    def choose(self, need: Need) -> list[Gpu]:
        """The GPUs to give: small ones first, large ones stay for who needs them."""
        return sorted(self.matching(need), key=attrgetter("memory_mb", "uuid"))[: need.gpus]

    def take(self, cpus: int, memory_mb: int, gpus: Iterable[str]) -> None:
        """Make it less by this much, and by the GPUs with these UUIDs."""
        self.cpus -= cpus
        self.memory_mb -= memory_mb
        taken = set(gpus)
        if taken:
            self.gpus = [gpu for gpu in self.gpus if gpu.uuid not in taken]


@dataclass(kw_only=True, slots=True, eq=False)
class Bench:
    """One connected worker."""

    worker: WorkerCapacity
    #: What it has when nothing runs.
    whole: Room
    #: What nobody has.
    free: Room

    def fit(self, need: Need) -> Rank | None:
        """Where the need would go now: see `rank`; None if there is no room."""
        if need.runtime not in self.worker.runtimes or not self.free.holds(need):
            return None
        return self.rank(need, self.free)

    def rank(self, need: Need, room: Room) -> Rank:
        """Best fit first: no GPUs where none are asked for, few GPUs left, then little else left."""
        wasted = int(bool(self.worker.gpus) and not need.gpus)
        left = len(room.gpus) - need.gpus
        amounts = (wasted, left, room.cpus - need.cpus, room.memory_mb - need.memory_mb)
        return amounts, self.worker.worker_id

    def distance(self, need: Need) -> Rank | None:
        """How far it is from having room; None if it never has."""
        if need.runtime not in self.worker.runtimes or not self.whole.holds(need):
            return None
        return self.free.lacks(need), self.worker.worker_id


class Changes:
    """Which workers changed, in order; whoever keeps something about all of them catches up by it."""

    def __init__(self) -> None:
        self.count = 0
        self._recent: list[str] = []

    def add(self, worker_id: str) -> None:
        """Note a change of this worker."""
        self._recent.append(worker_id)
        self.count += 1

    def since(self, count: int) -> set[str] | None:
        """The workers that changed since there were `count` changes; None if that is too long ago to tell."""
        missed = self.count - count
        return set(self._recent[-missed:] if missed else ()) if missed <= len(self._recent) else None

    def forget(self, beyond: int) -> None:
        """Keep few: who is behind by more than `beyond` does better to begin anew."""
        if len(self._recent) > 2 * beyond:
            del self._recent[:-beyond]


class Ranking:
    """The workers that suit a need, best first; follows their changes whenever it is asked."""

    def __init__(self, rank: Callable[[Bench, Need], Rank | None], need: Need) -> None:
        self._rank, self._need = rank, need
        self._known: dict[str, Rank] = {}
        self._order: list[Rank] = []
        self._seen = -1

    def order(self, benches: Mapping[str, Bench], changes: Changes) -> Sequence[Rank]:
        """The ranks in order."""
        changed = changes.since(self._seen) if self._seen >= 0 else None
        if changed is None:
            self._begin(benches)
        else:
            for worker_id in changed:
                self._place(worker_id, benches.get(worker_id))
        self._seen = changes.count
        return self._order

    def has(self, worker_id: str) -> bool:
        """Whether the worker suited the need when the order was last asked for."""
        return worker_id in self._known

    def _begin(self, benches: Mapping[str, Bench]) -> None:
        ranks = {worker_id: self._rank(bench, self._need) for worker_id, bench in benches.items()}
        self._known = {worker_id: rank for worker_id, rank in ranks.items() if rank is not None}
        self._order = sorted(self._known.values())

    def _place(self, worker_id: str, bench: Bench | None) -> None:
        rank = self._rank(bench, self._need) if bench is not None else None
        old = self._known.get(worker_id)
        if rank == old:
            return
        if old is not None:
            del self._order[bisect_left(self._order, old)]
            del self._known[worker_id]
        if rank is not None:
            insort(self._order, rank)
            self._known[worker_id] = rank
