"""`make bench ARGS=--placement`: a simulated day of a large cluster, through the code that places attempts.

Nothing is real but the decisions: 1,000 workers of 8 GPUs, 100,000 attempts that wait from the start, and as
many arriving as the cluster gets done. The same seed gives the same day.
"""

import heapq
import itertools
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from torchyard.contracts.jobs import Resources
from torchyard.contracts.runner import Gpu
from torchyard.domain.placement import Placement, PlacementSettings, WaitingAttempt, WorkerCapacity
from torchyard.domain.yard import Yard

WORKERS = 1_000
GPUS_EACH = 8
CPUS_EACH = 128
MEMORY_EACH = 1_048_576
QUEUED = 100_000
OWNERS = 50
RUNTIME = "torch"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 24 * 3600.0
#: GPUs of an attempt, and how often that many are asked for.
SIZES = {0: 0.10, 1: 0.55, 2: 0.15, 4: 0.10, 8: 0.10}
#: Seconds that a script runs: most are short, some take a day.
TYPICAL_SECONDS, SPREAD = 1800.0, 1.2
MEAN_SECONDS = 3700.0
GOAL_MS = 1.0


def main(seed: int) -> None:
    """Simulate, and print what came of it."""
    for line in Day(seed).figures():
        print(line, flush=True)


@dataclass
class Day:
    """The simulation; `now` is in seconds since its begin."""

    seed: int
    settings: PlacementSettings = PlacementSettings()  # noqa: RUF009 - it is frozen
    now: float = 0.0
    busy_gpus: int = 0
    gpu_seconds: float = 0.0
    attempts: dict[str, WaitingAttempt] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    waited: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def figures(self) -> Iterator[str]:
        self._chance, self._yard = random.Random(self.seed), Yard(self.settings)
        self._names = itertools.count()
        # When, which comes first of two at once, what.
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        for number in range(WORKERS):
            self._yard.connect(_worker(number))
        for _ in range(QUEUED):
            self._submit(-self._chance.uniform(0, 6 * 3600.0))
        filled = self._decide()
        yield f"{QUEUED:,} waiting, {WORKERS:,} empty workers: first decision {filled * 1000:.0f} ms"
        self._next_arrival()
        while self._events and self._events[0][0] <= DAY:
            at, _, happen = heapq.heappop(self._events)
            self.gpu_seconds += self.busy_gpus * (at - self.now)
            self.now = at
            start = time.thread_time()
            happen()
            self._decide()
            self.took.append(time.thread_time() - start)
        yield from self._told()

    def _told(self) -> Iterator[str]:
        mean, p99 = statistics.fmean(self.took) * 1000, statistics.quantiles(self.took, n=100)[98] * 1000
        worst = max(self.took) * 1000
        yield (
            f"a day of {len(self.took):,} arrivals and ends: {mean:.2f} ms for each decision "
            f"(p99 {p99:.2f}, worst {worst:.1f}; goal ≤ {GOAL_MS:g} ms)"
        )
        used = self.gpu_seconds / (DAY * WORKERS * GPUS_EACH)
        yield f"GPUs in use over the day: {used:.1%}; {len(self._yard):,} wait at its end"
        for gpus, waited in sorted(self.waited.items()):
            hours = [seconds / 3600 for seconds in waited]
            cuts = statistics.quantiles(hours, n=100)
            yield (
                f"waited for {gpus} GPUs: {len(waited):6,} started, median {cuts[49]:5.2f} h, "
                f"p95 {cuts[94]:5.2f} h, longest {max(hours):5.2f} h"
            )

    def _next_arrival(self) -> None:
        """As many arrive as the cluster gets done, at random moments."""
        rate = WORKERS * GPUS_EACH / (sum(size * share for size, share in SIZES.items()) * MEAN_SECONDS)

        def arrive() -> None:
            self._submit(self.now)
            self._next_arrival()

        self._at(self.now + self._chance.expovariate(rate), arrive)

    def _submit(self, at: float) -> None:
        (gpus,) = self._chance.choices(list(SIZES), list(SIZES.values()))
        name = f"{next(self._names):08}"
        self.attempts[name] = attempt = WaitingAttempt(
            attempt_id=name,
            # The first of them ask for most.
            owner=f"owner {int(OWNERS * self._chance.random() ** 2)}",
            priority=0,
            queued_at=BEGIN + timedelta(seconds=at),
            resources=Resources(
                gpus=gpus,
                cpus=max(1, gpus) * self._chance.choice([1, 3, 8]),
                memory_mb=max(1, gpus) * 1024 * self._chance.choice([4, 16, 64]),
            ),
            runtime=RUNTIME,
        )
        self._yard.wait(attempt)

    def _decide(self) -> float:
        start = time.thread_time()
        placements = self._yard.decide(BEGIN + timedelta(seconds=self.now))
        took = time.thread_time() - start
        for placement in placements:
            self._start(placement)
        return took

    def _start(self, placement: Placement) -> None:
        attempt = self.attempts.pop(placement.attempt_id)
        gpus = len(placement.gpus)
        self.busy_gpus += gpus
        self.waited[gpus].append(self.now - (attempt.queued_at - BEGIN).total_seconds())

        def end() -> None:
            self.busy_gpus -= gpus
            self._yard.remove(placement.attempt_id)

        seconds = TYPICAL_SECONDS * self._chance.lognormvariate(0, SPREAD)
        self._at(self.now + min(seconds, DAY), end)

    def _at(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._order), what))


def _worker(number: int) -> WorkerCapacity:
    gpus = (
        Gpu(uuid=f"GPU-{number:04}-{place}", model="NVIDIA H200", memory_mb=143_771)
        for place in range(GPUS_EACH)
    )
    return WorkerCapacity(
        worker_id=f"worker-{number:04}",
        name=f"worker-{number:04}",
        cpus=CPUS_EACH,
        memory_mb=MEMORY_EACH,
        gpus=tuple(gpus),
        runtimes=frozenset({RUNTIME}),
    )
