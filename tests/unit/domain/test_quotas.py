"""Quotas: what an owner's attempts hold at once, and that nobody else is kept waiting by it."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.yards import NOW, attempt, elsewhere, gpus, worker

from torchyard.contracts.jobs import Resources
from torchyard.domain.placement import PlacementSettings, Quota, WaitingAttempt, WorkerCapacity
from torchyard.domain.rooms import Need, Room
from torchyard.domain.yard import Yard

PATIENT = PlacementSettings(starvation_after=timedelta(days=1))
OWNERS = ["ann", "bob", "eve"]


def yard_of(*waiting: WaitingAttempt, has: int = 8, **quota: int) -> Yard:
    """One large worker, and a quota of ann's."""
    yard = Yard()
    yard.connect(worker("w", cpus=64, memory_mb=64_000, has=gpus(has)).capacity)
    yard.limit("ann", Quota(**quota))
    for one in waiting:
        yard.wait(one)
    return yard


def asking(
    name: str, gpu_count: int = 0, *, owner: str = "ann", cpus: int = 1, age: float = 0
) -> WaitingAttempt:
    return attempt(name, owner=owner, age=age, resources=Resources(gpus=gpu_count, cpus=cpus, memory_mb=100))


def placed(yard: Yard, *, after: float = 0) -> list[str]:
    return [one.attempt_id for one in yard.decide(NOW + timedelta(seconds=after))]


def why(yard: Yard, name: str) -> str:
    waiting = yard.why(name)
    assert waiting is not None
    return waiting.explanation


def test_others_pass_whoever_would_go_beyond_the_quota() -> None:
    yard = yard_of(
        asking("a1", 2, age=9), asking("a2", 1, age=8), asking("b", 1, owner="bob"), asking("a3"), max_gpus=2
    )

    assert sorted(placed(yard)) == ["a1", "a3", "b"]
    assert why(yard, "a2") == "needs 1 GPU; its owner's quota is 2 GPUs, and the owner's jobs hold 2"


def test_when_something_ends_the_next_one_goes() -> None:
    yard = yard_of(asking("a1", 2, age=9), asking("a2", 2), max_gpus=2)
    assert placed(yard) == ["a1"]
    assert placed(yard) == []

    yard.remove("a1")

    assert placed(yard) == ["a2"]


def test_a_raised_quota_lets_go_on_and_a_lowered_one_takes_nothing() -> None:
    waiting = [asking(f"a{number}", cpus=2, age=9 - number) for number in range(4)]
    yard = yard_of(*waiting, max_cpus=2)
    assert placed(yard) == ["a0"]
    yard.limit("ann", Quota(max_cpus=6))
    assert placed(yard) == ["a1", "a2"]

    yard.limit("ann", Quota(max_cpus=1))

    assert {"a0", "a1", "a2"} <= yard.open.keys()
    yard.remove("a0")
    assert placed(yard) == []
    assert "quota is 1 CPU core, so this can't start until an administrator raises it" in why(yard, "a3")
    yard.limit("ann", Quota())
    assert placed(yard) == ["a3"]


def test_what_a_job_does_not_ask_for_does_not_keep_it() -> None:
    yard = yard_of(asking("a"), max_gpus=0)
    yard.hold(elsewhere("held", "ann"))  # a GPU
    assert placed(yard) == ["a"]


def test_more_than_a_quota_ever_gives_is_said_and_keeps_nothing_from_the_owner() -> None:
    yard = yard_of(asking("large", 4, age=999), asking("a", 2), max_gpus=2)

    assert placed(yard) == ["a"]
    assert why(yard, "large") == (
        "needs 4 GPUs; its owner's quota is 2 GPUs, so this can't start until an administrator raises it"
    )


def test_what_waited_long_for_its_quota_is_not_passed_for_ever_by_the_owners_small_ones() -> None:
    yard = yard_of(asking("small1", 1, age=999), asking("large", 2, age=998), max_gpus=2)
    assert placed(yard) == ["small1"]
    yard.wait(asking("small2", 1))

    assert placed(yard) == []
    assert why(yard, "small2") == "waits for its turn: its owner's quota is left to a job that waited longer"
    assert "jobs hold 1" in why(yard, "large")
    yard.remove("small1")
    assert placed(yard) == ["large"]


def test_room_is_kept_for_no_more_than_the_quota_gives() -> None:
    yard = Yard(PlacementSettings(most_kept=16))
    for name in ("w1", "w2"):
        yard.connect(worker(name, has=gpus(2)).capacity)
        yard.hold(replace(elsewhere(f"on {name}", "eve"), worker_id=name, gpus=frozenset({_gpu(name)})))
    yard.limit("ann", Quota(max_gpus=2))
    yard.wait(asking("a1", 2, age=999))
    yard.wait(asking("a2", 2, age=998))
    yard.wait(asking("b", 1, owner="bob"))

    assert placed(yard) == ["b"]  # one worker is kept for a1, and none for a2


def test_what_the_quota_was_left_to_goes_and_others_of_the_owner_come_again() -> None:
    yard = yard_of(asking("a1", 1, age=999), asking("large", 2, age=998), max_gpus=2)
    assert placed(yard) == ["a1"]
    yard.wait(asking("a2", 1))
    assert placed(yard) == []

    yard.remove("large")

    assert placed(yard) == ["a2"]


def _gpu(name: str) -> str:
    return f"{name}/{gpus(1)[0].uuid}"


class Model:
    """The rule said plainly: everybody in order, whoever fits and is within the quota goes."""

    def __init__(self, workers: list[WorkerCapacity], quotas: dict[str, Quota]) -> None:
        self.rooms = {
            one.worker_id: (one, Room(cpus=one.cpus, memory_mb=one.memory_mb, gpus=list(one.gpus)))
            for one in workers
        }
        self.quotas = quotas
        self.shares: Counter[str] = Counter()
        self.gpus: Counter[str] = Counter()
        self.cpus: Counter[str] = Counter()

    def decide(self, waiting: list[WaitingAttempt]) -> dict[str, str]:
        left, went = list(waiting), {}
        while left:
            one = min(
                left, key=lambda one: (-one.priority, self.shares[one.owner], one.queued_at, one.attempt_id)
            )
            left.remove(one)
            worker_id = self._where(one)
            if worker_id is not None:
                went[one.attempt_id] = worker_id
        return went

    def _where(self, one: WaitingAttempt) -> str | None:
        need = Need.of(one)
        if self._beyond(one):
            return None
        ranks = [
            (
                (
                    bool(capacity.gpus) and not need.gpus,
                    len(room.gpus),
                    room.cpus,
                    room.memory_mb,
                ),
                worker_id,
            )
            for worker_id, (capacity, room) in self.rooms.items()
            if need.runtime in capacity.runtimes and room.holds(need)
        ]
        if not ranks:
            return None
        worker_id = min(ranks)[1]
        room = self.rooms[worker_id][1]
        room.take(need.cpus, need.memory_mb, [gpu.uuid for gpu in room.choose(need)])
        self.shares[one.owner] += 1
        self.gpus[one.owner] += need.gpus
        self.cpus[one.owner] += need.cpus
        return worker_id

    def _beyond(self, one: WaitingAttempt) -> bool:
        quota, asked = self.quotas.get(one.owner, Quota()), one.resources
        pairs = (
            (asked.gpus, self.gpus[one.owner], quota.max_gpus),
            (asked.cpus, self.cpus[one.owner], quota.max_cpus),
        )
        return any(most is not None and needs and needs + has > most for needs, has, most in pairs)


@given(st.integers(0, 2**32))
@settings(database=None, deadline=None, max_examples=300)
def test_it_decides_as_the_rule_said_plainly(seed: int) -> None:
    chance = random.Random(seed)
    workers = [
        worker(f"w{number}", cpus=chance.randint(1, 8), has=gpus(chance.randrange(5))).capacity
        for number in range(chance.randrange(5))
    ]
    quotas = {
        owner: Quota(max_gpus=chance.choice([None, 0, 1, 2, 4]), max_cpus=chance.choice([None, 0, 2, 5]))
        for owner in OWNERS[: chance.randrange(4)]
    }
    waiting = [
        replace(
            asking(
                f"a{number:02}",
                chance.choice([0, 1, 2]),
                owner=chance.choice(OWNERS),
                cpus=chance.randint(1, 4),
                age=chance.randrange(1000),
            ),
            priority=chance.choice([0, 0, 1]),
        )
        for number in range(chance.randrange(25))
    ]
    yard = Yard(PATIENT)
    for capacity in workers:
        yard.connect(capacity)
    for owner, quota in quotas.items():
        yard.limit(owner, quota)
    for one in waiting:
        yard.wait(one)

    went = {one.attempt_id: one.worker_id for one in yard.decide(NOW)}

    assert went == Model(workers, quotas).decide(waiting)


@given(st.integers(0, 2**32))
@settings(database=None, deadline=None, max_examples=100)
def test_everything_that_a_quota_ever_allows_runs_in_the_end(seed: int) -> None:
    chance = random.Random(seed)
    yard = yard_of(has=4, max_gpus=chance.choice([1, 2, 3]), max_cpus=chance.choice([3, 5]))
    own = {"ann": 0, "bob": 0, "eve": 0}
    for number in range(30):
        owner = chance.choice(OWNERS)
        own[owner] += 1
        yard.wait(asking(f"{owner}{number}", chance.choice([0, 1]), owner=owner, cpus=chance.randint(1, 3)))
    yard.wait(asking("ann last", 1, cpus=3))

    for step in range(200):
        running = placed(yard, after=step * 100)
        for name in chance.sample(running, len(running)):
            yard.remove(name)

    assert len(yard) == 0
