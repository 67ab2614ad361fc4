"""Samples of long lives, thinned out, and GPUs beside them."""

import math

from torchyard.domain.sampling import MAX_POINTS, GpuSample, Sample, aligned, thinned


def sample(until: float, cores: float = 1, memory: float = 10) -> Sample:
    return Sample(until, cores, cores, cores, memory, memory, memory)


def test_a_short_life_is_told_as_it_was() -> None:
    samples = [sample(1), sample(2), sample(5), sample(10)]

    assert thinned(samples) == samples


def test_a_long_life_has_few_points_and_keeps_what_was_least_and_most() -> None:
    samples = [sample(5.0 * n, cores=40 if n == 6_543 else 1, memory=n) for n in range(1, 20_000)]

    found = thinned(samples)

    assert MAX_POINTS / 4 < len(found) <= MAX_POINTS
    assert max(one.cores_max for one in found) == 40
    assert (found[0].memory_min, found[-1].memory_max, found[-1].until) == (1, 19_999, 5.0 * 19_999)


def test_gpus_are_told_at_the_same_times() -> None:
    readings = [GpuSample(5, 0, 10, 100), GpuSample(5, 1, math.nan, 7), GpuSample(8, 0, 30, 100)]

    found = aligned(readings, [5, 10, 15], gpus=2)

    assert found == [([10, 30, None], [100, 100, None]), ([None, None, None], [7, None, None])]
