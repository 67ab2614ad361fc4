from dataclasses import replace

import pytest
from tests.factories import admin, attempt_id, claim, finish, get, register, submit

from torchyard.contracts.jobs import JobState
from torchyard.contracts.runner import Gpu, Heartbeat
from torchyard.contracts.topics import RUN_ATTEMPT, worker_queue
from torchyard.contracts.users import Role, UserSettings
from torchyard.services import accounts, scheduling, workers
from torchyard.services.context import QUEUE_TOPIC, Context
from torchyard.services.queue import Queue
from torchyard.services.reconciling import Reconciler
from torchyard.storage import attempts as stored_attempts
from torchyard.storage import workers as stored_workers
from torchyard.testing import FixedClock, RecordingDispatcher, Sent


@pytest.fixture
def sent(ctx: Context) -> RecordingDispatcher:
    assert isinstance(ctx.dispatcher, RecordingDispatcher)
    return ctx.dispatcher


def test_a_placed_attempt_is_announced_to_its_workers_own_queue(
    ctx: Context, sent: RecordingDispatcher
) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)

    scheduling.schedule(ctx)

    assert sent.sent == [Sent(RUN_ATTEMPT, worker_queue(worker.id), attempt_id(ctx, job))]
    waiting = get(ctx, job).waiting
    assert waiting is not None
    assert "worker-1" in waiting.explanation


def test_a_queued_job_says_what_it_waits_for(ctx: Context, sent: RecordingDispatcher) -> None:
    register(ctx, gpus=[Gpu(uuid="GPU-1", model="H200", memory_mb=1)])
    job = submit(ctx, resources={"gpus": 2})

    scheduling.schedule(ctx)

    waiting = get(ctx, job).waiting
    assert waiting is not None
    assert "2 GPUs" in waiting.explanation
    assert sent.sent == []


def test_no_more_is_placed_than_fits(ctx: Context, sent: RecordingDispatcher) -> None:
    register(ctx, cpus=3)
    for _ in range(5):
        submit(ctx)

    scheduling.schedule(ctx)
    scheduling.schedule(ctx)

    assert len(sent.sent) == 3


def test_two_attempts_never_get_the_same_gpu(ctx: Context, sent: RecordingDispatcher) -> None:
    worker, _ = register(
        ctx, gpus=[Gpu(uuid=f"GPU-{number}", model="H200", memory_mb=1) for number in range(2)]
    )
    for _ in range(2):
        submit(ctx, resources={"gpus": 1})

    scheduling.schedule(ctx)

    assert len(sent.sent) == 2
    with ctx.db.read() as session:
        held = stored_attempts.of_worker(session, worker.id)
    assert sorted(gpu for row in held for gpu in row.gpus) == ["GPU-0", "GPU-1"]


def test_an_attempt_that_nobody_claims_is_announced_again(ctx: Context, sent: RecordingDispatcher) -> None:
    register(ctx)
    submit(ctx)
    scheduling.schedule(ctx)
    reconciler = Reconciler(ctx)
    reconciler.look()
    assert len(sent.sent) == 1

    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(11)
    reconciler.look()
    reconciler.look()

    assert len(sent.sent) == 2
    assert sent.sent[0] == sent.sent[1]


def test_a_broker_that_is_away_delays_a_job_and_loses_none(ctx: Context, sent: RecordingDispatcher) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)
    sent.available = False
    scheduling.schedule(ctx)

    with ctx.db.write() as session:
        answer = workers.beat(ctx, session, worker, Heartbeat(counter=1))

    assert answer.assigned == [attempt_id(ctx, job)]


def test_a_silent_workers_unclaimed_attempt_goes_back_to_the_queue_and_elsewhere(
    ctx: Context, sent: RecordingDispatcher
) -> None:
    silent, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    reconciler = Reconciler(ctx)

    reconciler._lose_sight(silent)
    other, _ = register(ctx, name="other")
    scheduling.schedule(ctx)

    assert sent.sent[-1] == Sent(RUN_ATTEMPT, worker_queue(other.id), attempt_id(ctx, job))


def test_a_silent_worker_s_attempts_are_given_up_after_a_while(ctx: Context) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, job))
    reconciler = Reconciler(ctx)

    for second in range(60):
        reconciler._watch_workers(second)
    assert get(ctx, job).attempt == 1
    reconciler._watch_workers(60)

    assert get(ctx, job).attempt == 2


def test_no_worker_is_taken_for_silent_because_the_platform_was_away(ctx: Context) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, job))
    reconciler = Reconciler(ctx)

    reconciler._watch_workers(0)
    reconciler._watch_workers(10_000)

    assert (get(ctx, job).attempt, get(ctx, job).unreachable) == (1, False)


def test_a_running_job_of_a_silent_worker_is_shown_unreachable_until_it_beats_again(ctx: Context) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, job))
    with ctx.db.write() as session:
        stored_workers.set_unreachable(session, worker.id, True)
    assert get(ctx, job).unreachable

    with ctx.db.write() as session:
        workers.beat(ctx, session, worker, Heartbeat(counter=7, attempts=[attempt_id(ctx, job)]))

    assert (get(ctx, job).unreachable, get(ctx, job).state) == (False, JobState.STAGING)


def test_what_another_process_queued_is_found_when_it_wakes_this_one(
    ctx: Context, sent: RecordingDispatcher
) -> None:
    ctx.fanout.subscribe(QUEUE_TOPIC, ctx.queue.heard)
    register(ctx)
    scheduling.schedule(ctx)

    job = submit(replace(ctx, queue=Queue()))
    scheduling.schedule(ctx)

    assert [one.attempt_id for one in sent.sent] == [attempt_id(ctx, job)]


def test_a_wake_up_of_our_own_is_no_reason_to_compare_everything(ctx: Context) -> None:
    ctx.queue.take()
    ctx.fanout.subscribe(QUEUE_TOPIC, ctx.queue.heard)
    job = submit(ctx)
    changed = ctx.queue.take()
    assert (list(changed.attempts), changed.anything) == ([attempt_id(ctx, job)], False)
    ctx.queue.heard()
    assert ctx.queue.take().anything


def quota_of_admin(ctx: Context, **quota: int) -> None:
    user, settings = admin(ctx), UserSettings(role=Role.ADMIN, **quota)
    with ctx.db.write() as session:
        accounts.put(ctx, session, user, user.name, settings)


def test_a_quota_holds_back_what_is_beyond_it_until_something_ends_or_it_is_raised(
    ctx: Context, sent: RecordingDispatcher
) -> None:
    worker, _ = register(ctx, cpus=8)
    quota_of_admin(ctx, max_cpus=1)
    submitted = [submit(ctx) for _ in range(3)]
    scheduling.schedule(ctx)
    (first,) = (one.attempt_id for one in sent.sent)
    (_, second, _) = sorted(submitted, key=lambda job: attempt_id(ctx, job) != first)
    waiting = get(ctx, second).waiting
    assert waiting is not None
    assert (
        waiting.explanation
        == "needs 1 CPU core; its owner's quota is 1 CPU core, and the owner's jobs hold 1"
    )

    claim(ctx, worker, first)
    finish(ctx, worker, first)
    scheduling.schedule(ctx)
    assert len(sent.sent) == 2
    quota_of_admin(ctx, max_cpus=2)
    scheduling.schedule(ctx)

    assert len(sent.sent) == 3


def test_a_quota_lowered_stops_nothing(ctx: Context) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, job))

    quota_of_admin(ctx, max_cpus=0)
    scheduling.schedule(ctx)

    assert get(ctx, job).state == JobState.STAGING


def test_quotas_count_from_the_start_and_when_another_process_changes_them(
    ctx: Context, sent: RecordingDispatcher
) -> None:
    register(ctx)
    quota_of_admin(ctx, max_cpus=0)
    other = replace(ctx, queue=Queue())
    submit(ctx)
    scheduling.schedule(other)
    assert sent.sent == []

    quota_of_admin(ctx)
    other.queue.heard()
    scheduling.schedule(other)

    assert len(sent.sent) == 1


def test_two_schedulers_place_an_attempt_once(ctx: Context, sent: RecordingDispatcher) -> None:
    other = replace(ctx, queue=Queue())
    register(ctx, cpus=1)
    first = submit(ctx)
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(1)
    second = submit(ctx)
    scheduling.follow(ctx, ctx.queue.take())
    scheduling.schedule(other)
    scheduling.schedule(ctx)  # decides the same, and is too late
    scheduling.schedule(ctx)

    assert [one.attempt_id for one in sent.sent] == [attempt_id(ctx, first)]
    waiting = get(ctx, second).waiting
    assert waiting is not None
    assert waiting.explanation == "needs 1 CPU core; the largest free worker has 0"
