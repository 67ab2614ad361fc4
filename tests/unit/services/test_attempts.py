from datetime import timedelta

import pytest
from tests.factories import attempt_id, claim, finish, get, register, stored, submit, taken

from torchyard.contracts.jobs import Job, JobState, Reason
from torchyard.contracts.logs import LogName
from torchyard.contracts.runner import Cause, Finish, LogSeal, Outcome, ProducedFile, Report
from torchyard.contracts.sayings import say
from torchyard.errors import AttemptStale, BlobNotUploaded, LogMismatch
from torchyard.services import artifacts, attempts, jobs, scheduling
from torchyard.services.context import Context
from torchyard.storage.tables import WorkerRow
from torchyard.testing import FixedClock

EXITED = Outcome(cause=Cause.EXITED, exit_code=0)


def running(ctx: Context) -> tuple[Job, WorkerRow, str]:
    job, worker, attempt = taken(ctx)
    with ctx.db.write() as session:
        attempts.report(ctx, session, worker, attempt, Report(number=1, state="running", message="started"))
    return job, worker, attempt


def messages(ctx: Context, job: Job) -> list[str]:
    with ctx.db.read() as session:
        return [event.message for event in jobs.events_of(session, job.id)]


def test_only_the_first_of_two_claims_gets_the_attempt(ctx: Context) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, job))

    with pytest.raises(AttemptStale):
        claim(ctx, worker, attempt_id(ctx, job))

    assert get(ctx, job).state is JobState.STAGING


@pytest.mark.parametrize("forged", ["00000000-0000-0000-0000-000000000000", "nonsense", ""])
def test_a_claim_of_something_else_is_refused(ctx: Context, forged: str) -> None:
    worker, _ = register(ctx)

    with pytest.raises(AttemptStale):
        claim(ctx, worker, forged)


def test_a_worker_cannot_claim_what_was_placed_on_another(ctx: Context) -> None:
    register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    stranger, _ = register(ctx, name="stranger")

    with pytest.raises(AttemptStale):
        claim(ctx, stranger, attempt_id(ctx, job))


def test_a_job_runs_from_its_report_on_and_ends_with_its_finish(ctx: Context) -> None:
    job, worker, attempt = running(ctx)
    assert get(ctx, job).state is JobState.RUNNING
    assert get(ctx, job).started_at is not None

    finish(ctx, worker, attempt, exit_code=3)

    ended = get(ctx, job)
    assert (ended.state, ended.reason, ended.exit_code) == (JobState.FAILED, Reason.SCRIPT_ERROR, 3)
    assert ended.sentence
    assert ended.finished_at is not None


def test_a_report_that_comes_twice_is_told_once(ctx: Context) -> None:
    job, worker, attempt = running(ctx)

    for number in (2, 2, 1):
        with ctx.db.write() as session:
            attempts.report(ctx, session, worker, attempt, Report(number=number, message="halfway"))

    assert messages(ctx, job).count("halfway") == 1


def test_an_attempt_that_ended_takes_nothing_more(ctx: Context) -> None:
    job, worker, attempt = running(ctx)
    finish(ctx, worker, attempt, exit_code=0)

    with pytest.raises(AttemptStale):
        finish(ctx, worker, attempt, exit_code=1)
    with pytest.raises(AttemptStale), ctx.db.write() as session:
        attempts.report(ctx, session, worker, attempt, Report(number=9, message="still here"))

    assert get(ctx, job).state is JobState.SUCCEEDED


def test_a_log_that_is_not_whole_is_asked_for_again(ctx: Context) -> None:
    _, _, attempt = running(ctx)
    ctx.logs.append(attempt, LogName.STDERR, 0, b"half", [])
    seal = LogSeal(name=LogName.STDERR, size=8, crc32=0)

    with pytest.raises(LogMismatch):
        attempts.check_logs(ctx, attempt, Finish(outcome=EXITED, logs=[seal]))

    assert ctx.logs.size(attempt, LogName.STDERR) == 0


def test_a_log_with_other_bytes_of_the_same_size_is_asked_for_again(ctx: Context) -> None:
    _, _, attempt = running(ctx)
    ctx.logs.append(attempt, LogName.STDERR, 0, b"half", [])
    seal = LogSeal(name=LogName.STDERR, size=4, crc32=ctx.logs.seal(attempt, LogName.STDERR) ^ 1)

    with pytest.raises(LogMismatch):
        attempts.check_logs(ctx, attempt, Finish(outcome=EXITED, logs=[seal]))


def test_artifacts_are_listed_after_the_end(ctx: Context) -> None:
    job, worker, attempt = running(ctx)
    blob = stored(ctx, b"weights")
    made = ProducedFile(path="model.pth", size=7, sha256=blob.sha256)

    with ctx.db.write() as session:
        attempts.finish(ctx, session, worker, attempt, Finish(outcome=EXITED, artifacts=[made]))

    with ctx.db.read() as session:
        assert [(one.path, one.size) for one in artifacts.all_of(session, job.id)] == [("model.pth", 7)]


def test_an_artifact_whose_bytes_are_missing_stops_the_finish_whole(ctx: Context) -> None:
    job, worker, attempt = running(ctx)
    made = ProducedFile(path="model.pth", size=7, sha256="0" * 64)

    with pytest.raises(BlobNotUploaded), ctx.db.write() as session:
        attempts.finish(ctx, session, worker, attempt, Finish(outcome=EXITED, artifacts=[made]))

    assert get(ctx, job).state is JobState.RUNNING


def test_a_script_that_ran_is_not_started_again_when_its_worker_is_lost(ctx: Context) -> None:
    job, worker, attempt = running(ctx)

    finish(ctx, worker, attempt, cause="worker_lost", detail="the machine was restarted")

    ended = get(ctx, job)
    assert (ended.state, ended.reason, ended.attempt) == (JobState.FAILED, Reason.WORKER_LOST, 1)


def test_an_attempt_lost_before_its_script_started_is_tried_again(ctx: Context) -> None:
    job, _, first = taken(ctx)

    with ctx.db.write() as session:
        attempts.lose(ctx, session, first, "The worker is gone.")

    again = get(ctx, job)
    assert (again.state, again.attempt, again.reason, again.finished_at) == (JobState.QUEUED, 2, None, None)
    with ctx.db.read() as session:
        assert [one.state for one in jobs.attempts_of(session, job.id)] == [JobState.FAILED, JobState.QUEUED]


def test_a_job_that_keeps_losing_its_workers_is_given_up(ctx: Context) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)

    for _ in range(5):
        scheduling.schedule(ctx)
        claim(ctx, worker, attempt_id(ctx, job))
        with ctx.db.write() as session:
            attempts.lose(ctx, session, attempt_id(ctx, job), "The worker is gone.")

    assert (get(ctx, job).state, get(ctx, job).attempt) == (JobState.FAILED, 5)


def test_a_worker_that_registers_anew_without_an_attempt_has_lost_it(ctx: Context) -> None:
    job, worker, _ = running(ctx)

    register(ctx, worker_id=worker.id)

    assert (get(ctx, job).state, get(ctx, job).reason) == (JobState.FAILED, Reason.WORKER_LOST)


def test_a_worker_that_registers_anew_keeps_the_attempts_it_still_has(ctx: Context) -> None:
    job, worker, attempt = running(ctx)

    _, welcome = register(
        ctx, worker_id=worker.id, attempts=[attempt, "11111111-1111-1111-1111-111111111111"]
    )

    assert welcome.abandoned == ["11111111-1111-1111-1111-111111111111"]
    assert get(ctx, job).state is JobState.RUNNING


def test_an_attempt_tells_when_its_script_ended_and_its_files_were_collected(ctx: Context) -> None:
    job, worker, attempt = running(ctx)
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(60)

    finish(ctx, worker, attempt, exit_code=0, collecting_seconds=12.5)

    with ctx.db.read() as session:
        told = jobs.attempts_of(session, job.id)[0]
    assert told.finished_at is not None
    assert told.script_ended_at == told.finished_at - timedelta(seconds=12.5)


def test_lines_that_come_before_another_stand_before_it(ctx: Context) -> None:
    job, worker, attempt = taken(ctx)
    report = Report(number=1, state="running", before=["staged", "and checked"], message="started")

    for _ in range(2):  # the second is the first one, sent again
        with ctx.db.write() as session:
            attempts.report(ctx, session, worker, attempt, report)

    with ctx.db.read() as session:
        told = [event.message for event in jobs.events_of(session, job.id)]
    assert told[-3:] == ["staged", "and checked", "started"]


def test_what_a_worker_says_is_told_for_other_languages(ctx: Context) -> None:
    job, worker, attempt = taken(ctx)
    lost = Outcome(cause=Cause.INTERNAL, detail=say("script_unkillable"))
    with ctx.db.write() as session:
        attempts.report(ctx, session, worker, attempt, Report(number=1, message=say("worker_took_over")))
        final = Finish(outcome=lost, messages=[say("leftovers_killed", count=2)])
        attempts.finish(ctx, session, worker, attempt, final)

    with ctx.db.read() as session:
        said = [event.saying.code for event in jobs.events_of(session, job.id) if event.saying]
    assert said[-3:] == ["worker_took_over", "leftovers_killed", "event_ended"]
    ended = get(ctx, job).saying
    assert ended is not None
    assert ended.facts["why"] == say("detail", detail=say("script_unkillable")).saying
