"""The connected workers: what is free on them, what of it is kept, and which of them suits a need best."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from torchyard.domain.placement import Holding, WorkerCapacity
from torchyard.domain.rooms import Bench, Changes, Need, Rank, Ranking, Room

#: Needs whose rankings of all workers are remembered, those that were asked for last.
_MOST_RANKINGS = 128


class Workers:
    """All connected workers."""

    def __init__(self) -> None:
        self.capacities: dict[str, WorkerCapacity] = {}
        #: Those that are given anything; all but the draining ones.
        self.benches: dict[str, Bench] = {}
        #: Where room is kept: what of the free room anybody may have.
        self.kept: dict[str, Room] = {}
        #: Needs that came since it was settled last.
        self.untested: set[Need] = set()
        self._kept_for: dict[str, Need] = {}
        self._changes = Changes()
        self._settled, self._settled_for = -1, self._kept_for
        self._held: dict[str, dict[str, Holding]] = {}
        self._fits: dict[Need, Ranking] = {}
        self._distances: dict[Need, Ranking] = {}

    def connect(self, worker: WorkerCapacity) -> Bench | None:
        """Take in a worker, or what has changed of it; None if it is given nothing."""
        self.disconnect(worker.worker_id)
        self.capacities[worker.worker_id] = worker
        if worker.draining:
            return None
        whole = Room(cpus=worker.cpus, memory_mb=worker.memory_mb, gpus=list(worker.gpus))
        self.benches[worker.worker_id] = Bench(worker=worker, whole=whole, free=whole)
        return self._count(worker.worker_id)

    def disconnect(self, worker_id: str) -> None:
        """Forget a worker, but not what is held of it."""
        self.capacities.pop(worker_id, None)
        self.benches.pop(worker_id, None)
        self.kept.pop(worker_id, None)
        self._changed(worker_id)

    def hold(self, holding: Holding) -> None:
        """Take what an attempt holds."""
        worker_id = holding.worker_id
        self._held.setdefault(worker_id, {})[holding.attempt_id] = holding
        bench = self.benches.get(worker_id)
        if bench is None:
            return
        for room in filter(None, (bench.free, self.kept.get(worker_id))):
            room.take(holding.cpus, holding.memory_mb, holding.gpus)
        self._changed(worker_id)

    def release(self, holding: Holding) -> Bench | None:
        """Give back what an attempt held; the worker that has more room now, if it is given anything."""
        held = self._held[holding.worker_id]
        del held[holding.attempt_id]
        if not held:
            del self._held[holding.worker_id]
        return self._count(holding.worker_id)

    def fits(self, need: Need) -> Sequence[Rank]:
        """Where the need has room, best first, whatever is kept there for others."""
        return self._ranking(self._fits, Bench.fit, need).order(self.benches, self._changes)

    def begin(self) -> None:
        """Keep nothing any more."""
        self.kept, self._kept_for = {}, {}

    def settle(self) -> None:
        """Nobody that waits has room now."""
        self._settled, self._settled_for = self._changes.count, self._kept_for
        self.untested.clear()

    def with_room(self, needs: Iterable[Need]) -> set[Need]:
        """Those of the needs for which a worker has room that is kept for nobody.

        When it was settled, none had. So it is enough to look at workers that have changed since, or where
        something else is kept now, and at needs that are new.
        """
        changed = self._changes.since(self._settled)
        if changed is None:
            changed = set(self.benches)
        before, after = self._settled_for.items(), self._kept_for.items()
        changed.update(worker_id for worker_id, _ in before ^ after)
        benches = [self.benches[worker_id] for worker_id in changed if worker_id in self.benches]
        return {
            need
            for need in needs
            if need in self.untested or any(self._is_open(bench, need) for bench in benches)
        }

    def best(self, need: Need, near: Collection[str]) -> tuple[Bench, Room] | None:
        """The worker that the need fills best, and what of it anybody may have.

        What lies near counts for more than how closely cores and memory fit, and less than GPUs, of which
        neither one more than needed nor one beside work without GPUs is given up for it.
        """
        ranks = list(self._unkept(self.fits(need), near))
        for worker_id, room in self.kept.items():
            if self._is_open(self.benches[worker_id], need):
                ranks.append(self.benches[worker_id].rank(need, room))
        if not ranks:
            return None
        _, found = min(ranks, key=lambda rank: (rank[0][:2], rank[1] not in near, rank))
        bench = self.benches[found]
        return bench, self.kept.get(found, bench.free)

    def _unkept(self, ranks: Sequence[Rank], near: Collection[str]) -> Iterator[Rank]:
        """Of the workers where nothing is kept: the best, and those that are near."""
        first = next((rank for rank in ranks if rank[1] not in self.kept), None)
        if first is not None:
            yield first
        if near:
            yield from (rank for rank in ranks if rank[1] in near and rank[1] not in self.kept)

    def _is_open(self, bench: Bench, need: Need) -> bool:
        """Whether the worker has room for the need beside what is kept there."""
        room = self.kept.get(bench.worker.worker_id, bench.free)
        return room.holds(need) and need.runtime in bench.worker.runtimes

    def keep(self, need: Need) -> bool:
        """Keep what the need takes on the worker that lacks least of it; whether there is one."""
        ranks = self._ranking(self._distances, Bench.distance, need).order(self.benches, self._changes)
        worker_id = next((found for _, found in ranks if found not in self.kept), None)
        if worker_id is None:
            return False
        room = self.benches[worker_id].free.copy()
        room.take(need.cpus, need.memory_mb, (gpu.uuid for gpu in room.choose(need)))
        self.kept[worker_id], self._kept_for[worker_id] = room, need
        return True

    def _ranking(
        self, rankings: dict[Need, Ranking], rank: Callable[[Bench, Need], Rank | None], need: Need
    ) -> Ranking:
        ranking = rankings.pop(need, None) or Ranking(rank, need)
        rankings[need] = ranking  # at the end: the one that was asked for last
        if len(rankings) > _MOST_RANKINGS:
            del rankings[next(iter(rankings))]
        return ranking

    def _count(self, worker_id: str) -> Bench | None:
        """Count anew what is free."""
        bench = self.benches.get(worker_id)
        if bench is None:
            return None
        bench.free = bench.whole.copy()
        for holding in self._held.get(worker_id, {}).values():
            bench.free.take(holding.cpus, holding.memory_mb, holding.gpus)
        self._changed(worker_id)
        return bench

    def _changed(self, worker_id: str) -> None:
        self._changes.add(worker_id)
        self._changes.forget(len(self.benches))
