"""Which waiting attempt starts on which worker, decided anew after each change without looking at everything.

A decision is one pass over the queue in its order: priority, then fair share, then age. An attempt that fits
starts on the worker it fills best. One that doesn't fit lets later ones pass; those of them that have waited
long enough have what they need kept free, on one worker each, for as many as `PlacementSettings.most_kept`.
An owner never gets more than the quota. What it refuses is passed by until the owner holds less or may hold
more; the first that has waited long enough for it has what it needs left, before others of the same owner.

Room only shrinks during a pass, so a need that failed once fails for all that ask for the same. Between two
passes only what changed can make a need succeed that failed before. So a pass visits those who starve until
enough room is kept, and then nobody but those whose need may be met now.

What is decided depends on what waits, what is held and who is connected, never on the way there: a yard that
was told everything at once decides like one that followed each change.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from torchyard.contracts.jobs import Waiting
from torchyard.contracts.sayings import Sentence, say
from torchyard.domain import waiting_reasons
from torchyard.domain.lines import Lines, Step, Walk
from torchyard.domain.placement import (
    Holding,
    Placement,
    PlacementSettings,
    Quota,
    WaitingAttempt,
    WorkerCapacity,
)
from torchyard.domain.quotas import Quotas
from torchyard.domain.rooms import Bench, Need
from torchyard.domain.workers import Workers

_DEFAULT_SETTINGS = PlacementSettings()


class Yard:
    """All workers, what is held of them, and the queue; told of each change, asked to decide in between."""

    def __init__(self, settings: PlacementSettings = _DEFAULT_SETTINGS) -> None:
        self._settings = settings
        self._now = datetime.min.replace(tzinfo=UTC)
        self._waiting: dict[str, WaitingAttempt] = {}
        self._lines = Lines()
        self._resting: dict[str, WaitingAttempt] = {}
        self._held: dict[str, Holding] = {}
        self._shares: Counter[str] = Counter()
        self._quotas = Quotas()
        self._workers = Workers()
        #: Needs that a worker may have room for; of the others none has.
        self._hopeful: set[Need] = set()
        self._told: waiting_reasons.Told | None = None

    @property
    def open(self) -> Mapping[str, WaitingAttempt | Holding]:
        """All that waits and all that holds something, by attempt."""
        return {**self._waiting, **self._held}

    @property
    def connected(self) -> frozenset[str]:
        """Ids of the workers that are connected."""
        return frozenset(self._workers.capacities)

    @property
    def limited(self) -> frozenset[str]:
        """Owners that have a quota."""
        return self._quotas.limited

    def __len__(self) -> int:
        """How many attempts wait."""
        return len(self._waiting)

    @property
    def next_rested(self) -> datetime | None:
        """When the next of those that rest may be placed."""
        return min((one.not_before for one in self._resting.values() if one.not_before), default=None)

    def wait(self, attempt: WaitingAttempt) -> None:
        """Let an attempt wait, with whatever it held given back."""
        known = self._waiting.get(attempt.attempt_id)
        if known == attempt:
            return
        self.remove(attempt.attempt_id)
        self._waiting[attempt.attempt_id] = attempt
        if attempt.not_before is not None and attempt.not_before > self._now:
            self._resting[attempt.attempt_id] = attempt
        else:
            self._line_up(attempt)

    def hold(self, holding: Holding) -> None:
        """An attempt holds this, and waits no longer."""
        if self._held.get(holding.attempt_id) == holding:
            return
        self.remove(holding.attempt_id)
        self._held[holding.attempt_id] = holding
        self._take(holding)
        self._sort_out(holding.owner)

    def remove(self, attempt_id: str) -> None:
        """An attempt neither waits nor holds anything any more."""
        self._told = None
        waiting, holding = self._waiting.pop(attempt_id, None), self._held.pop(attempt_id, None)
        if waiting is not None and self._resting.pop(attempt_id, None) is None:
            self._lines.remove(waiting)
        if holding is not None:
            self._shares[holding.owner] -= 1
            self._quotas.release(holding)
            self._sort_out(holding.owner)
            self._grown(self._workers.release(holding))

    def limit(self, owner: str, quota: Quota) -> None:
        """An owner has this quota from now on; nothing that is held is taken away."""
        if self._quotas.set(owner, quota):
            self._told = None
            self._sort_out(owner, always=True)

    def connect(self, worker: WorkerCapacity) -> None:
        """A worker is there, or has changed."""
        if self._workers.capacities.get(worker.worker_id) != worker:
            self._told = None
            self._grown(self._workers.connect(worker))

    def disconnect(self, worker_id: str) -> None:
        """A worker is there no longer; what is held of it stays held."""
        if worker_id in self._workers.capacities:
            self._told = None
            self._workers.disconnect(worker_id)

    def decide(self, now: datetime) -> list[Placement]:
        """Place what can be placed; what was placed is held from then on.

        Args:
            now: The time. One before the latest that was told counts as that one.
        """
        self._now = max(now, self._now)
        self._told = None
        self._wake_rested()
        most = min(self._settings.most_kept, len(self._workers.benches))
        walk = Walk(
            self._lines,
            self._shares,
            self._quotas,
            self._now - self._settings.starvation_after,
            self._hopeful,
            keeping=most > 0,
        )
        self._workers.begin()
        self._quotas.begin()
        placements = []
        for step in walk:
            owner = self._waiting[step.attempt_id].owner
            if self._quotas.refuses(owner, step.need):
                self._quotas.keep(owner, step.need, step.attempt_id)
                continue
            placement = self._place(step) if step.need in walk.hopeful else None
            if placement is not None:
                placements.append(placement)
                continue
            walk.hopeful.discard(step.need)
            if step.starves and walk.keeping:
                self._keep(step, owner, walk)
                if len(self._workers.kept) >= most:
                    walk.keep_no_more(self._workers.with_room(walk.hopeful))
        self._workers.settle()
        self._leave([self._waiting.pop(placement.attempt_id) for placement in placements])
        return placements

    def why(self, attempt_id: str) -> Waiting | None:
        """The attempt's place in the queue and what it waits for; None if it doesn't wait."""
        attempt = self._waiting.get(attempt_id)
        if attempt is None:
            return None
        if attempt_id in self._resting:
            return self._why_resting(attempt)
        need, ahead = Need.of(attempt), self._lines.ahead(attempt, self._shares)
        refusal = self._why_refused(attempt, need)
        if refusal is not None:
            return Waiting.said(ahead + 1, refusal)
        if self._told is None:
            self._told = waiting_reasons.Told(self._workers)
        reason = self._told.of(need)
        first = not reason.queue or self._lines.first(need, self._shares) == attempt_id
        return Waiting.said(ahead + 1, reason.sentence if first else say("wait_turn", count=ahead))

    def _why_resting(self, attempt: WaitingAttempt) -> Waiting:
        assert attempt.not_before is not None
        own = (attempt.not_before, attempt.attempt_id)
        before = sum(
            (one.not_before, one.attempt_id) < own for one in self._resting.values() if one.not_before
        )
        position = len(self._waiting) - len(self._resting) + before + 1
        return Waiting.said(position, say("wait_pause", until=f"{attempt.not_before:%H:%M:%S}"))

    def _why_refused(self, attempt: WaitingAttempt, need: Need) -> Sentence | None:
        if self._quotas.refuses(attempt.owner, need):
            return self._quotas.why(attempt.owner, need)
        keeps = attempt.attempt_id in self._quotas.keepers
        if not keeps and self._quotas.refuses_now(attempt.owner, need):
            return say("wait_quota_kept")
        return None

    def _line_up(self, attempt: WaitingAttempt) -> None:
        need = Need.of(attempt)
        barred = self._quotas.refuses(attempt.owner, need)
        if not barred and need not in self._lines.needing:
            self._look_at([need])
        self._lines.add(attempt, barred=barred)

    def _look_at(self, needs: Iterable[Need]) -> None:
        """Nobody has looked yet whether there is room for these."""
        for need in needs:
            self._hopeful.add(need)
            self._workers.untested.add(need)

    def _sort_out(self, owner: str, *, always: bool = False) -> None:
        """What the owner holds or may hold has changed."""
        if always or owner in self._quotas:
            self._look_at(self._lines.sort_out(owner, partial(self._quotas.refuses, owner)))

    def _leave(self, placed: Sequence[WaitingAttempt]) -> None:
        """Take those that were placed out of the queue, once the pass is over."""
        for attempt in placed:
            self._lines.remove(attempt)
        for owner in {attempt.owner for attempt in placed}:
            self._sort_out(owner)
        for owner in self._quotas.kept:  # what it was kept from was passed by without a look at the workers
            for need in self._lines.needs_of(owner):
                if self._quotas.refuses_now(owner, need):
                    self._workers.untested.add(need)

    def _wake_rested(self) -> None:
        rested = [one for one in self._resting.values() if one.not_before and one.not_before <= self._now]
        for attempt in rested:
            del self._resting[attempt.attempt_id]
            self._line_up(attempt)

    def _grown(self, bench: Bench | None) -> None:
        """A worker has more room than before."""
        if bench is None:
            return
        for need in self._lines.needing:
            if need not in self._hopeful and bench.fit(need) is not None:
                self._hopeful.add(need)

    def _place(self, step: Step) -> Placement | None:
        attempt = self._waiting[step.attempt_id]
        found = self._workers.best(step.need, attempt.near)
        if found is None:
            if not self._workers.fits(step.need):
                self._hopeful.discard(step.need)
            return None
        bench, room = found
        gpus = tuple(gpu.uuid for gpu in room.choose(step.need))
        holding = Holding(
            attempt_id=attempt.attempt_id,
            owner=attempt.owner,
            worker_id=bench.worker.worker_id,
            cpus=step.need.cpus,
            memory_mb=step.need.memory_mb,
            gpus=frozenset(gpus),
        )
        self._held[attempt.attempt_id] = holding
        self._take(holding)
        return Placement(attempt_id=attempt.attempt_id, worker_id=holding.worker_id, gpus=gpus)

    def _take(self, holding: Holding) -> None:
        self._shares[holding.owner] += 1
        self._quotas.hold(holding)
        self._workers.hold(holding)

    def _keep(self, step: Step, owner: str, walk: Walk) -> None:
        """Keep what the need takes on the worker that lacks least of it.

        What it lacks there can only become less until the next pass, so that one will not choose a worker
        that is further from being free, and the attempt starts in the end.
        """
        if self._workers.keep(step.need):
            self._quotas.keep(owner, step.need, step.attempt_id)
        else:
            walk.exhausted.add(step.need)
