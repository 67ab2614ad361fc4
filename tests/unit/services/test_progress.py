import pytest
from tests.factories import finish, get, taken

from torchyard.contracts.jobs import JobState, Reason, StagingProgress
from torchyard.contracts.runner import Cause, Report
from torchyard.services import attempts
from torchyard.services.context import Context

HALFWAY = StagingProgress(
    bytes_done=5, bytes_total=10, files_done=1, files_total=2, bytes_per_second=5, seconds_left=1
)


def test_a_job_that_fetches_says_how_far_it_is_until_it_runs(ctx: Context) -> None:
    job, worker, attempt = taken(ctx)
    assert get(ctx, job).progress is None

    with ctx.db.write() as session:
        attempts.report(ctx, session, worker, attempt, Report(number=1, message="halfway", progress=HALFWAY))
    assert get(ctx, job).progress == HALFWAY

    with ctx.db.write() as session:
        attempts.report(ctx, session, worker, attempt, Report(number=2, message="it runs", state="running"))
    assert get(ctx, job).progress is None


@pytest.mark.parametrize(
    ("cause", "reason", "words"),
    [
        (
            Cause.DEPENDENCY_NOT_FOUND,
            Reason.DEPENDENCY_NOT_FOUND,
            "One of the job's dependency paths does not exist",
        ),
        (
            Cause.DEPENDENCY_FORBIDDEN,
            Reason.DEPENDENCY_FORBIDDEN,
            "One of the job's dependency paths may not be fetched",
        ),
        (
            Cause.DEPENDENCY_TOO_LARGE,
            Reason.DEPENDENCY_TOO_LARGE,
            "The job's dependency paths name too much",
        ),
        (
            Cause.DEPENDENCY_UNAVAILABLE,
            Reason.DEPENDENCY_UNAVAILABLE,
            "What the job depends on could not be fetched",
        ),
    ],
)
def test_a_job_whose_files_can_t_be_had_says_which(
    ctx: Context, cause: Cause, reason: Reason, words: str
) -> None:
    job, worker, attempt = taken(ctx)
    with ctx.db.write() as session:
        attempts.report(ctx, session, worker, attempt, Report(number=1, message="halfway", progress=HALFWAY))

    finish(ctx, worker, attempt, cause=cause, detail="why: s3://bucket/key")

    ended = get(ctx, job)
    assert (ended.state, ended.reason, ended.progress) == (JobState.FAILED, reason, None)
    assert ended.sentence == f"{words}: why: s3://bucket/key."
    assert ctx.progress == {}
