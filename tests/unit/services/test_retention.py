from dataclasses import replace
from datetime import timedelta

import pytest
from tests.factories import ended_with, submit

from torchyard.contracts.jobs import Job
from torchyard.errors import NotFound
from torchyard.services import artifacts, jobs, retention
from torchyard.services.context import Context
from torchyard.services.reconciling import Reconciler
from torchyard.testing import FixedClock


def limited(ctx: Context, **limits: timedelta | int) -> Context:
    return replace(ctx, limits=replace(ctx.limits, **limits))


def kept(ctx: Context, job: Job) -> list[str]:
    with ctx.db.read() as session:
        return [one.path for one in artifacts.all_of(session, job.id)]


def told(ctx: Context, job: Job) -> str:
    with ctx.db.read() as session:
        return jobs.events_of(session, job.id)[-1].message


def later(ctx: Context, **by: float) -> None:
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(timedelta(**by).total_seconds())


def test_nothing_is_removed_unless_asked_for(ctx: Context) -> None:
    job = ended_with(ctx, {"model.pth": b"m"})
    later(ctx, days=1000)

    retention.enforce(ctx)

    assert kept(ctx, job) == ["model.pth"]


def test_artifacts_go_when_they_are_too_old_and_their_job_says_so(ctx: Context) -> None:
    ctx = limited(ctx, artifact_max_age=timedelta(days=30))
    old = ended_with(ctx, {"b.txt": b"b", "a.txt": b"aa"})
    later(ctx, days=29)
    fresh = ended_with(ctx, {"model.pth": b"m"})
    later(ctx, days=2)

    Reconciler(ctx).look()

    assert kept(ctx, old) == []
    assert kept(ctx, fresh) == ["model.pth"]
    assert told(ctx, old) == (
        "removed 2 artifacts (3 bytes), as the job ended more than 30 days ago: a.txt, b.txt"
    )


def test_the_oldest_artifacts_go_while_there_are_too_many_bytes(ctx: Context) -> None:
    ctx = limited(ctx, artifact_max_total_bytes=10)
    first = ended_with(ctx, {"a": b"1" * 6})
    later(ctx, seconds=1)
    second = ended_with(ctx, {"b": b"2" * 6})
    later(ctx, seconds=1)
    third = ended_with(ctx, {"c": b"3" * 4})

    retention.enforce(ctx)

    assert (kept(ctx, first), kept(ctx, second), kept(ctx, third)) == ([], ["b"], ["c"])
    assert told(ctx, first).endswith("as all jobs' artifacts took 16 bytes, and 10 are kept: a")


def test_the_same_content_counts_once(ctx: Context) -> None:
    ctx = limited(ctx, artifact_max_total_bytes=10)
    both = [ended_with(ctx, {"a": b"1" * 6}) for _ in range(2)]

    retention.enforce(ctx)

    assert [kept(ctx, job) for job in both] == [["a"], ["a"]]


def test_many_removed_files_are_counted_and_some_of_them_named(ctx: Context) -> None:
    ctx = limited(ctx, artifact_max_total_bytes=0)
    job = ended_with(ctx, {f"{number:02}": b"x" for number in range(25)})

    retention.enforce(ctx)

    assert told(ctx, job).endswith("18, 19 and 5 more")


def test_the_bytes_follow_a_day_after_their_last_use_unless_a_job_needs_them_as_input(ctx: Context) -> None:
    ctx = limited(ctx, artifact_max_age=timedelta(days=1))
    giver = ended_with(ctx, {"outputs/wanted": b"wanted", "outputs/other": b"other"})
    needed = ended_with(ctx, {"outputs/needed": b"wanted"})
    submit(ctx, inputs={"from": f"job:{needed.id}"})
    with ctx.db.read() as session:
        digests = {one.path: one.sha256 for one in artifacts.all_of(session, giver.id)}
    later(ctx, days=3)

    Reconciler(ctx).look()

    assert kept(ctx, giver) == kept(ctx, needed) == []
    assert b"".join(ctx.objects.read(digests["outputs/wanted"])) == b"wanted"
    with pytest.raises(NotFound):
        ctx.objects.read(digests["outputs/other"])
