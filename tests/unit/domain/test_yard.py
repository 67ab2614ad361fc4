import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.yards import NOW, attempt, elsewhere, gpus, plan, worker, workers_of

from torchyard.contracts.jobs import Resources, Waiting
from torchyard.domain.placement import (
    Holding,
    Placement,
    PlacementSettings,
    Quota,
    WaitingAttempt,
    WorkerCapacity,
)
from torchyard.domain.yard import Yard

OWNERS = ["ann", "bob", "eve"]
SETTINGS = [PlacementSettings(most_kept=most) for most in (0, 1, 2, 16)]


@dataclass
class Told:
    """A yard, and beside it what it was told."""

    chance: random.Random
    settings: PlacementSettings
    yard: Yard
    now: datetime = NOW
    count: int = 0
    waiting: dict[str, WaitingAttempt] = field(default_factory=dict)
    held: dict[str, Holding] = field(default_factory=dict)
    workers: dict[str, WorkerCapacity] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)

    def submit(self) -> None:
        self.count += 1
        self._wait(self._attempt(f"a{self.count}"))

    def submit_again(self) -> None:
        """The same attempt in another shape, or put back from a worker."""
        if self.waiting or self.held:
            self._wait(self._attempt(self.chance.choice([*self.waiting, *self.held])))

    def end(self) -> None:
        if self.held or self.waiting:
            name = self.chance.choice([*self.held, *self.waiting])
            self.held.pop(name, None)
            self.waiting.pop(name, None)
            self.yard.remove(name)

    def hold_elsewhere(self) -> None:
        """Somebody else placed it, on a worker that is not known here."""
        if self.waiting:
            name = self.chance.choice(list(self.waiting))
            self._hold(elsewhere(name, self.waiting.pop(name).owner))

    def connect(self) -> None:
        name = f"w{self.chance.randrange(5)}"
        has = gpus(self.chance.randrange(3)) + gpus(self.chance.randrange(2), model="L4", memory_mb=24_000)
        machine = worker(
            name,
            cpus=self.chance.randint(1, 6),
            memory_mb=self.chance.randint(1, 6) * 100,
            has=has,
            runtimes=self.chance.choice([("torch",), ("torch", "jax")]),
            draining=self.chance.random() < 0.1,
        )
        self.workers[name] = machine.capacity
        self.yard.connect(machine.capacity)

    def disconnect(self) -> None:
        if self.workers:
            name = self.chance.choice(list(self.workers))
            del self.workers[name]
            self.yard.disconnect(name)

    def limit(self) -> None:
        owner = self.chance.choice(OWNERS)
        self.quotas[owner] = Quota(
            max_gpus=self.chance.choice([None, 0, 1, 2, 3]),
            max_cpus=self.chance.choice([None, None, 0, 3, 6]),
        )
        self.yard.limit(owner, self.quotas[owner])

    def let_time_pass(self) -> None:
        self.now += timedelta(seconds=self.chance.choice([0, 1, 60, 301]))

    def decide(self) -> tuple[list[Placement], dict[str, Waiting | None]]:
        before = {owner: self._held_by(owner) for owner in OWNERS}
        placements = self.yard.decide(self.now)
        reasons = {name: self.yard.why(name) for name in self.waiting}
        for placement in placements:
            asked = self.waiting.pop(placement.attempt_id)
            self.held[placement.attempt_id] = Holding(
                attempt_id=placement.attempt_id,
                owner=asked.owner,
                worker_id=placement.worker_id,
                cpus=asked.resources.cpus,
                memory_mb=asked.resources.memory_mb,
                gpus=frozenset(placement.gpus),
            )
        for owner, quota in self.quotas.items():
            for most, was, now in zip(
                (quota.max_gpus, quota.max_cpus), before[owner], self._held_by(owner), strict=True
            ):
                assert most is None or now <= max(most, was)
        return placements, reasons

    def _held_by(self, owner: str) -> tuple[int, int]:
        own = [one for one in self.held.values() if one.owner == owner]
        return sum(len(one.gpus) for one in own), sum(one.cpus for one in own)

    def from_scratch(self) -> "Told":
        """Told the same, all at once and in any order."""
        other = Told(self.chance, self.settings, Yard(self.settings), now=self.now)
        tell: list[Callable[[], None]] = []
        tell += [lambda one=one: other._wait(one) for one in self.waiting.values()]
        tell += [lambda one=one: other._hold(one) for one in self.held.values()]
        tell += [lambda one=one: other.yard.connect(one) for one in self.workers.values()]
        tell += [lambda one=one: other._limit(*one) for one in self.quotas.items()]
        self.chance.shuffle(tell)
        for one in tell:
            one()
        return other

    def _limit(self, owner: str, quota: Quota) -> None:
        self.quotas[owner] = quota
        self.yard.limit(owner, quota)

    def _wait(self, one: WaitingAttempt) -> None:
        self.held.pop(one.attempt_id, None)
        self.waiting[one.attempt_id] = one
        self.yard.wait(one)

    def _hold(self, holding: Holding) -> None:
        self.held[holding.attempt_id] = holding
        self.yard.hold(holding)

    def _attempt(self, name: str) -> WaitingAttempt:
        chance = self.chance
        asked = Resources(
            gpus=chance.choice([0, 0, 1, 2]),
            gpu_model=chance.choice([None, None, "a100", "L4"]),
            cpus=chance.randint(1, 4),
            memory_mb=chance.randint(1, 4) * 100,
        )
        queued_at = self.now - timedelta(seconds=chance.choice([0, 0, 10, 299, 1000]))
        rests = chance.random() < 0.1
        return replace(
            attempt(
                name,
                owner=chance.choice(OWNERS),
                priority=chance.choice([0, 0, 0, 1]),
                runtime=chance.choice(["torch", "torch", "jax", "other"]),
                resources=asked,
            ),
            queued_at=queued_at,
            not_before=self.now + timedelta(seconds=60) if rests else None,
            near=frozenset({f"w{chance.randrange(5)}"} if chance.random() < 0.3 else ()),
        )


EVENTS = [Told.submit] * 6 + [Told.end, Told.end, Told.connect, Told.let_time_pass]
EVENTS += [Told.submit_again, Told.hold_elsewhere, Told.disconnect, Told.limit]


@given(st.integers(0, 2**32), st.sampled_from(SETTINGS), st.integers(1, 5))
@settings(database=None, deadline=None, max_examples=150)
def test_following_each_change_decides_like_starting_from_nothing(
    seed: int, settings: PlacementSettings, between: int
) -> None:
    chance = random.Random(seed)
    told = Told(chance, settings, Yard(settings))
    for _ in range(60):
        for _ in range(chance.randrange(between + 1)):
            chance.choice(EVENTS)(told)
        fresh = told.from_scratch()
        assert told.decide() == fresh.decide()


def test_room_is_kept_for_as_many_as_the_setting_says() -> None:
    yard = [worker("w1", cpus=2), worker("w2", cpus=2), worker("w3", cpus=2)]
    waiting = [attempt(f"large{number}", age=999, resources=Resources(cpus=4)) for number in range(3)]
    waiting += [attempt(f"small{number}") for number in range(3)]
    machines = [replace(one, capacity=replace(one.capacity, cpus=4)) for one in yard]

    def placed(most: int) -> set[str]:
        return set(workers_of(plan(waiting, machines, {}, NOW, PlacementSettings(most_kept=most))).values())

    assert placed(3) == set()
    assert placed(1) == {"w2", "w3"}
    assert placed(0) == {"w1", "w2"}


def test_a_placement_that_came_to_nothing_is_decided_again() -> None:
    yard, machine, wanted = Yard(), worker("w", cpus=1), attempt("a")
    yard.connect(machine.capacity)
    yard.wait(wanted)
    (placement,) = yard.decide(NOW)
    assert yard.decide(NOW) == []
    yard.wait(wanted)
    assert yard.decide(NOW) == [placement]


def test_a_worker_that_comes_back_has_what_is_held_of_it() -> None:
    yard, machine = Yard(), worker("w", cpus=1)
    yard.connect(machine.capacity)
    yard.wait(attempt("a"))
    assert len(yard.decide(NOW)) == 1
    yard.disconnect("w")
    yard.wait(attempt("b"))
    assert yard.decide(NOW) == []
    yard.connect(machine.capacity)
    assert yard.decide(NOW) == []
    yard.remove("a")
    assert [placement.attempt_id for placement in yard.decide(NOW)] == ["b"]


def test_what_was_not_looked_at_yet_says_so() -> None:
    yard = Yard()
    yard.connect(worker("w").capacity)
    yard.wait(attempt("a"))
    waiting = yard.why("a")
    assert waiting is not None
    assert waiting.explanation == "waits for the scheduler to look at it"
    assert yard.why("nobody") is None
