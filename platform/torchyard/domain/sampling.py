"""Samples of a job's whole life, brought to a number that can be drawn."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: Points of a curve.
MAX_POINTS = 2_000
#: Seconds that a point stands for, at least.
_SHORTEST = 5.0


class Sample(NamedTuple):
    """What was used in the time until `until`, in seconds since the script's start."""

    until: float
    cores: float
    cores_min: float
    cores_max: float
    memory: float
    memory_min: float
    memory_max: float


class GpuSample(NamedTuple):
    """What a GPU did at `at`; NaN where nobody knows."""

    at: float
    gpu: int
    percent: float
    memory: float


def thinned(samples: list[Sample]) -> list[Sample]:
    """The samples, neighbours merged until there are at most `MAX_POINTS`; least and most stay."""
    width = _SHORTEST
    found = samples
    while len(found) > MAX_POINTS:
        width *= 2
        found = list(_merged(samples, width))
    return found


def _merged(samples: Iterable[Sample], width: float) -> Iterator[Sample]:
    stretch: list[Sample] = []
    for sample in samples:
        if stretch and sample.until // width != stretch[-1].until // width:
            yield _merge(stretch)
            stretch = []
        stretch.append(sample)
    if stretch:
        yield _merge(stretch)


def _merge(stretch: list[Sample]) -> Sample:
    count = len(stretch)
    return Sample(
        stretch[-1].until,
        sum(one.cores for one in stretch) / count,
        min(one.cores_min for one in stretch),
        max(one.cores_max for one in stretch),
        sum(one.memory for one in stretch) / count,
        min(one.memory_min for one in stretch),
        max(one.memory_max for one in stretch),
    )


def aligned(
    readings: Iterable[GpuSample], times: list[float], gpus: int
) -> list[tuple[list[float | None], list[float | None]]]:
    """Percent and memory of each GPU at given times: the mean of what was read since the time before.

    Args:
        readings: In the order of their times.
        times: Ends of stretches, growing.
        gpus: How many there are.
    """
    sums = [[_Mean() for _ in times] for _ in range(gpus)], [[_Mean() for _ in times] for _ in range(gpus)]
    place = 0
    for reading in readings:
        while place < len(times) and times[place] < reading.at - 1e-6:
            place += 1
        if place < len(times) and 0 <= reading.gpu < gpus:
            sums[0][reading.gpu][place].add(reading.percent)
            sums[1][reading.gpu][place].add(reading.memory)
    return [
        ([mean.value() for mean in percent], [mean.value() for mean in memory])
        for percent, memory in zip(*sums, strict=True)
    ]


class _Mean:
    """Of numbers that were read; of none, nothing."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, value: float) -> None:
        if math.isfinite(value):
            self._sum, self._count = self._sum + value, self._count + 1

    def value(self) -> float | None:
        return self._sum / self._count if self._count else None
