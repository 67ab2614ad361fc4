"""Jobs that are tried again: what is stored and told, and when the next attempt may start."""

import contextlib
import threading
from typing import Any

import pytest
from tests.factories import admin, attempt_id, claimed, finish, get, register, submit

from torchyard.contracts.jobs import Job, JobState, Reason
from torchyard.contracts.runner import ClaimedAttempt, Report
from torchyard.errors import JobEnded
from torchyard.services import attempts, jobs, scheduling
from torchyard.services.context import Context
from torchyard.storage import attempts as stored_attempts
from torchyard.storage.tables import WorkerRow
from torchyard.testing import FixedClock


def started(ctx: Context, job: Job) -> tuple[ClaimedAttempt, WorkerRow]:
    """The job's latest attempt, whose script runs."""
    given = claimed(ctx, job)
    with ctx.db.read() as session:
        held = stored_attempts.find(session, given.attempt_id)
    assert held is not None
    assert held.worker is not None
    report = Report(number=1, state="running", message="started")
    with ctx.db.write() as session:
        attempts.report(ctx, session, held.worker, given.attempt_id, report)
    return given, held.worker


def ended(ctx: Context, job: Job, **outcome: Any) -> Job:
    """The job after its latest attempt ran and ended so."""
    given, worker = started(ctx, job)
    finish(ctx, worker, given.attempt_id, **outcome)
    return get(ctx, job)


def advance(ctx: Context, seconds: float) -> None:
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(seconds)


def told(ctx: Context, job: Job) -> list[tuple[JobState, str]]:
    with ctx.db.read() as session:
        return [(event.state, event.message) for event in jobs.events_of(session, job.id)]


def test_a_failed_script_is_tried_again_and_the_job_is_never_shown_ended_in_between(ctx: Context) -> None:
    job = submit(ctx, retries={"after_failure": 2})

    again = ended(ctx, job, exit_code=1)

    assert (again.state, again.attempt) == (JobState.QUEUED, 2)
    assert (again.reason, again.sentence, again.exit_code, again.finished_at, again.started_at) == (None,) * 5
    assert not {state for state, _ in told(ctx, job)} & {JobState.FAILED, JobState.CANCELLED}
    messages = [message for _, message in told(ctx, job)]
    assert "failed: The script exited with code 1." in messages
    assert messages[-1].startswith(
        "queued as attempt 2 of 3, in 10 seconds, as the attempt before it failed (script_error): asks for"
    )
    with ctx.db.read() as session:
        first, _ = jobs.attempts_of(session, job.id)
        events = jobs.events_of(session, job.id)
    said = [event.saying.code for event in events if event.saying]
    assert said == ["event_queued", "event_placed", "event_taken", "event_ended", "event_queued_again"]
    assert (first.state, first.reason, first.exit_code) == (JobState.FAILED, Reason.SCRIPT_ERROR, 1)


def test_the_next_attempt_rests_first_and_says_so(ctx: Context) -> None:
    job = submit(ctx, retries={"after_failure": 1})
    ended(ctx, job, exit_code=1)

    look_again_in = scheduling.schedule(ctx)
    resting = get(ctx, job)
    advance(ctx, 10)
    then = scheduling.schedule(ctx)

    assert resting.waiting is not None
    assert resting.waiting.explanation == "pauses after a failure, until 12:00:10 UTC"
    assert (look_again_in, then) == (10.0, None)
    waiting = get(ctx, job).waiting
    assert waiting is not None
    assert waiting.explanation.startswith("has a place on")


def test_a_job_ends_with_its_last_attempt(ctx: Context) -> None:
    job = submit(ctx, retries={"after_failure": 1})

    ended(ctx, job, exit_code=1)
    advance(ctx, 10)
    last = ended(ctx, job, signal=11)

    assert (last.state, last.reason, last.attempt, last.signal) == (JobState.FAILED, Reason.SIGNALED, 2, 11)


def test_a_second_attempt_that_succeeds_leaves_nothing_of_the_first_one_s_end(ctx: Context) -> None:
    job = submit(ctx, retries={"after_failure": 1})

    ended(ctx, job, exit_code=1)
    advance(ctx, 10)
    last = ended(ctx, job, exit_code=0)

    assert (last.state, last.reason, last.exit_code) == (JobState.SUCCEEDED, None, 0)


@pytest.mark.parametrize(
    "cause",
    ["dependency_forbidden", "dependency_too_large", "archive_rejected", "requirements_failed", "internal"],
)
def test_what_would_fail_again_is_not_tried_again(ctx: Context, cause: str) -> None:
    job = submit(ctx, retries={"after_failure": 5, "after_loss": 5})
    register(ctx)

    last = ended(ctx, job, cause=cause)

    assert (last.state, last.attempt) == (JobState.FAILED, 1)


def test_storage_that_was_away_is_tried_again(ctx: Context) -> None:
    job = submit(ctx, retries={"after_failure": 1})

    assert ended(ctx, job, cause="dependency_unavailable").state is JobState.QUEUED


def test_a_job_that_is_to_be_cancelled_is_not_tried_again(ctx: Context) -> None:
    job = submit(ctx, retries={"after_failure": 5, "after_loss": 5})
    given, worker = started(ctx, job)
    user = admin(ctx)
    with ctx.db.write() as session:
        jobs.cancel(ctx, session, job.id, user)

    finish(ctx, worker, given.attempt_id, exit_code=1)

    assert (get(ctx, job).state, get(ctx, job).attempt) == (JobState.FAILED, 1)


def test_a_job_that_rests_can_be_cancelled(ctx: Context) -> None:
    job = submit(ctx, retries={"after_failure": 5})
    ended(ctx, job, exit_code=1)
    user = admin(ctx)

    with ctx.db.write() as session:
        last = jobs.cancel(ctx, session, job.id, user)

    assert (last.state, last.sentence) == (JobState.CANCELLED, "Cancelled before attempt 2 started.")


def test_a_cancel_that_races_with_a_failure_leaves_no_attempt_waiting(ctx: Context) -> None:
    user = admin(ctx)

    def cancel(job: Job) -> None:
        with ctx.db.write() as session, contextlib.suppress(JobEnded):
            jobs.cancel(ctx, session, job.id, user)

    def fail(worker: WorkerRow, attempt: str) -> None:
        finish(ctx, worker, attempt, exit_code=1)

    for _ in range(5):
        job = submit(ctx, retries={"after_failure": 5})
        given, worker = started(ctx, job)
        threads = [
            threading.Thread(target=cancel, args=(job,)),
            threading.Thread(target=fail, args=(worker, given.attempt_id)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        last = get(ctx, job)
        assert (last.state, last.attempt) in {(JobState.FAILED, 1), (JobState.CANCELLED, 2)}


def test_a_lost_script_is_started_again_if_asked(ctx: Context) -> None:
    job = submit(ctx, retries={"after_loss": 1})

    again = ended(ctx, job, cause="worker_lost")
    last = ended(ctx, job, cause="worker_lost")

    assert (again.state, again.attempt) == (JobState.QUEUED, 2)
    assert (last.state, last.reason, last.attempt) == (JobState.FAILED, Reason.WORKER_LOST, 2)
    assert any(
        "queued as attempt 2 of 2 as its worker was lost while it ran" in text for _, text in told(ctx, job)
    )


def test_only_an_attempt_that_would_be_started_again_has_a_fence_while_it_runs(ctx: Context) -> None:
    job, plain = submit(ctx, retries={"after_loss": 1}), submit(ctx, retries={"after_failure": 1})

    first, worker = started(ctx, job)
    finish(ctx, worker, first.attempt_id, cause="worker_lost")
    second, _ = started(ctx, job)
    other, _ = started(ctx, plain)

    half = ctx.limits.lost_after.total_seconds() / 2
    assert [given.fence_seconds for given in (first, second, other)] == [half, None, None]
    assert {given.start_fence_seconds for given in (first, second, other)} == {half}


def test_a_repeated_job_is_tried_again_as_often(ctx: Context) -> None:
    job = submit(ctx, retries={"after_failure": 2, "after_loss": 1})
    user = admin(ctx)

    with ctx.db.write() as session:
        again = jobs.run_again(ctx, session, job.id, user)

    assert again.spec.retries == job.spec.retries
    assert attempt_id(ctx, again) != attempt_id(ctx, job)


def test_heartbeats_come_often_enough_for_a_short_patience(ctx: Context) -> None:
    _, welcome = register(ctx)

    assert welcome.heartbeat_seconds <= ctx.limits.lost_after.total_seconds() / 10
