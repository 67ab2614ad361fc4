import contextlib
import functools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.factories import (
    admin,
    attempt_id,
    claim,
    finish,
    get,
    make_create,
    make_zip,
    register,
    stored,
    submit,
)
from tests.raw_zips import Raw, raw_zip

from torchyard.contracts.jobs import FileRef, Job, JobState
from torchyard.contracts.topics import CANCEL_ATTEMPT
from torchyard.errors import (
    ArchiveRejected,
    AttemptStale,
    BlobNotUploaded,
    FieldInvalid,
    JobEnded,
    JobNotEnded,
    NotFound,
    RuntimeUnknown,
    ScriptInvalid,
    TooLarge,
)
from torchyard.services import jobs, scheduling
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage.jobs import JobFilter
from torchyard.testing import FixedClock

SOMEBODY = User(id="1", name="somebody", role="user")


def test_a_submitted_job_is_queued_with_its_specification_frozen(ctx: Context) -> None:
    job = submit(ctx, arguments="--lr 0.1", environment={"SEED": "1"}, resources={"cpus": 2})

    assert (job.state, job.attempt, job.name, job.owner) == (JobState.QUEUED, 1, "train.py", "admin")
    assert job.spec.arguments == "--lr 0.1"
    assert job.spec.runtime == "torch-test"
    assert get(ctx, job) == job


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"pandas\n--index-url https://example.org\n", "line 2: the option"),
        ("pandas".encode("utf-16"), "it is no UTF-8"),
        (b"#" * 65_537, "at most 65536 bytes are allowed"),
        (bytes(10_000_000), "at most 65536 bytes are allowed"),
    ],
)
def test_what_a_zip_asks_to_install_is_checked_before_it_is_accepted(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    archive = tmp_path / "deps.zip"
    archive.write_bytes(make_zip({"a.py": "1", "requirements.txt": content}))

    with pytest.raises(FieldInvalid, match=reason) as refusal:
        jobs.check_dependencies(archive, b"1", "train.py")

    assert (refusal.value.code, refusal.value.field) == ("requirements_invalid", "dependencies")


def test_plain_requirements_and_those_in_folders_of_a_zip_are_accepted(tmp_path: Path) -> None:
    archive = tmp_path / "deps.zip"
    archive.write_bytes(make_zip({"requirements.txt": "pandas>=2\n", "docs/requirements.txt": "-e .\n"}))

    jobs.check_dependencies(archive, b"1", "train.py")


def test_a_damaged_requirements_file_is_refused_as_damage(tmp_path: Path) -> None:
    archive = tmp_path / "deps.zip"
    archive.write_bytes(raw_zip(Raw(name=b"requirements.txt", content=b"pandas", crc=1)))

    with pytest.raises(ArchiveRejected, match="is damaged in the zip"):
        jobs.check_dependencies(archive, b"1", "train.py")


def test_a_script_that_was_never_uploaded_is_refused_and_makes_no_job(ctx: Context) -> None:
    missing = FileRef(sha256="0" * 64, name="train.py")
    create = make_create(ctx).model_copy(update={"script": missing})

    with pytest.raises(BlobNotUploaded) as problem:
        jobs.check_uploaded(ctx, create)
    with pytest.raises(BlobNotUploaded), ctx.db.write() as session:
        jobs.accept(ctx, session, create, SOMEBODY)

    assert problem.value.field == "script.sha256"
    with ctx.db.read() as session:
        assert jobs.page(ctx, session, JobFilter(), before=None, limit=10) == []


def test_an_unknown_runtime_is_refused_with_the_known_ones_named(ctx: Context) -> None:
    register(ctx)

    with pytest.raises(RuntimeUnknown) as problem:
        submit(ctx, runtime="tensorflow")

    assert problem.value.field == "runtime"
    assert "torch-test" in str(problem.value.hint)


def test_a_script_that_does_not_compile_can_be_submitted_all_the_same(ctx: Context) -> None:
    create = make_create(ctx, script=b"def f(:\n")

    with pytest.raises(ScriptInvalid) as problem:
        jobs.check_uploaded(ctx, create)
    jobs.check_uploaded(ctx, create.model_copy(update={"ignore_warnings": True}))

    assert problem.value.code == "script_syntax_error"
    assert (problem.value.extra["line"], problem.value.extra["column"]) == (1, 7)


def test_a_script_over_the_limit_is_refused(ctx: Context) -> None:
    with pytest.raises(TooLarge):
        jobs.check_uploaded(ctx, make_create(ctx, script=b"#" * (ctx.limits.max_script_bytes + 1)))


def test_a_zip_with_another_file_under_the_scripts_name_is_refused(ctx: Context, tmp_path: Path) -> None:
    archive = tmp_path / "deps.zip"
    archive.write_bytes(make_zip({"train.py": "print('other')", "data.csv": "1"}))

    with pytest.raises(FieldInvalid) as problem:
        jobs.check_dependencies(archive, b"print('hi')", "train.py")

    assert problem.value.code == "dependency_conflict"
    archive.write_bytes(make_zip({"train.py": "print('hi')"}))
    jobs.check_dependencies(archive, b"print('hi')", "train.py")


def test_a_zip_given_by_its_sha_is_checked_too(ctx: Context) -> None:
    create = make_create(ctx)
    create = create.model_copy(update={"dependencies": stored(ctx, b"no zip", "deps.zip")})

    with pytest.raises(ArchiveRejected) as problem:
        jobs.check_uploaded(ctx, create)

    assert problem.value.code == "archive_invalid"


def test_cancelling_a_queued_job_ends_it_at_once(ctx: Context) -> None:
    job = submit(ctx)

    with ctx.db.write() as session:
        cancelled = jobs.cancel(ctx, session, job.id, SOMEBODY)

    assert cancelled.state is JobState.CANCELLED
    assert cancelled.sentence == "Cancelled before it started."
    assert cancelled.finished_at is not None


def test_cancelling_a_running_job_tells_its_worker_once(ctx: Context) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, job))

    for _ in range(2):
        with ctx.db.write() as session:
            told = jobs.cancel(ctx, session, job.id, SOMEBODY)

    assert (told.state, told.cancel_requested) == (JobState.STAGING, True)
    sent = [message for message in ctx.dispatcher.sent if message.topic == CANCEL_ATTEMPT]  # type: ignore[attr-defined]
    assert len(sent) == 1


def test_a_job_that_has_ended_cannot_be_cancelled(ctx: Context) -> None:
    worker, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, job))
    finish(ctx, worker, attempt_id(ctx, job), exit_code=0)

    with pytest.raises(JobEnded) as problem, ctx.db.write() as session:
        jobs.cancel(ctx, session, job.id, SOMEBODY)

    assert problem.value.extra["state"] == "succeeded"


def test_a_job_can_be_deleted_only_after_its_end_and_takes_its_logs_along(ctx: Context) -> None:
    job = submit(ctx)
    with pytest.raises(JobNotEnded), ctx.db.write() as session:
        jobs.delete(ctx, session, job.id)
    with ctx.db.write() as session:
        jobs.cancel(ctx, session, job.id, SOMEBODY)

    with ctx.db.write() as session:
        jobs.delete(ctx, session, job.id)

    with pytest.raises(NotFound):
        get(ctx, job)


def test_running_again_makes_a_new_job_with_the_same_specification(ctx: Context) -> None:
    job = submit(ctx, arguments="--epochs 3", name="mnist")
    user = admin(ctx)

    with ctx.db.write() as session:
        again = jobs.run_again(ctx, session, job.id, user)

    assert again.id != job.id
    assert again.run_again_of == job.id
    assert again.spec == job.spec


def test_the_list_pages_through_every_job_once_although_all_have_the_same_time(ctx: Context) -> None:
    submitted = {submit(ctx).id for _ in range(7)}
    seen: list[str] = []
    before = None

    while True:
        with ctx.db.read() as session:
            found = jobs.page(ctx, session, JobFilter(), before=before, limit=3)
        seen += [job.id for job in found]
        if len(found) < 3:
            break
        before = (found[-1].created_at, found[-1].id)

    assert len(seen) == 7
    assert set(seen) == submitted


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (JobFilter(text="MNIST"), {"mnist"}),
        (JobFilter(text="0.5"), {"lenet"}),
        (JobFilter(text="100%"), set()),
        (JobFilter(states=[JobState.CANCELLED]), set()),
        (JobFilter(states=[JobState.QUEUED, JobState.RUNNING]), {"mnist", "lenet"}),
    ],
)
def test_the_list_filters(ctx: Context, wanted: JobFilter, expected: set[str]) -> None:
    submit(ctx, name="mnist")
    submit(ctx, name="lenet", arguments="--lr 0.5")

    with ctx.db.read() as session:
        found = jobs.page(ctx, session, wanted, before=None, limit=10)

    assert {job.name for job in found} == expected


def test_a_cancel_racing_with_a_claim_leaves_one_of_two_consistent_states(ctx: Context) -> None:
    worker, _ = register(ctx)
    for _ in range(5):
        job = submit(ctx)
        scheduling.schedule(ctx)
        attempt = attempt_id(ctx, job)
        threads = [
            threading.Thread(target=_quietly, args=(functools.partial(claim, ctx, worker, attempt),)),
            threading.Thread(target=_quietly, args=(functools.partial(_cancel, ctx, job.id),)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended = get(ctx, job)
        assert (ended.state, ended.cancel_requested) in {(JobState.CANCELLED, True), (JobState.STAGING, True)}
        if ended.state is JobState.STAGING:
            finish(ctx, worker, attempt, cause="cancelled")


def _cancel(ctx: Context, job_id: str) -> None:
    with ctx.db.write() as session:
        jobs.cancel(ctx, session, job_id, SOMEBODY)


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(JobEnded, AttemptStale):
        action()


def test_a_list_of_several_states_is_paged_like_any_other(ctx: Context) -> None:
    assert isinstance(ctx.clock, FixedClock)
    made = []
    for number in range(9):
        ctx.clock.advance(1 if number % 3 else 0)  # some at the same moment
        made.append(submit(ctx))
    user = admin(ctx)
    for job in made[::2]:
        with ctx.db.write() as session:
            jobs.cancel(ctx, session, job.id, user)
    in_order = sorted(made, key=lambda job: (job.created_at, job.id), reverse=True)

    def pages(*states: str) -> list[str]:
        found: list[Job] = []
        while True:
            before = (found[-1].created_at, found[-1].id) if found else None
            with ctx.db.read() as session:
                some = jobs.page(
                    ctx, session, JobFilter(states=states, owner="admin"), before=before, limit=2
                )
            found += some
            if not some:
                return [job.id for job in found]

    assert pages("queued", "cancelled", "failed") == [job.id for job in in_order]
    assert pages("cancelled", "failed") == [job.id for job in in_order if job in made[::2]]
