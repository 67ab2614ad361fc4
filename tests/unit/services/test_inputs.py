import pytest
from pydantic import ValidationError
from tests.factories import admin, claimed, ended_with, get, latest_attempt, placed, register, stored, submit

from torchyard.contracts.connections import ConnectionSettings
from torchyard.contracts.inputs import NOTHING, job_source
from torchyard.contracts.jobs import Job, Reason
from torchyard.errors import BlobNotUploaded, Forbidden, InputUnknown
from torchyard.services import attempts, connections, jobs
from torchyard.services.context import Context
from torchyard.services.reconciling import Reconciler
from torchyard.storage import blobs, inputs
from torchyard.testing import FixedClock

NOBODY = "00000000-0000-4000-8000-000000000000"


def connect(ctx: Context, name: str, *allowed: str) -> None:
    settings = ConnectionSettings.model_validate(
        {"region": "eu-west-1", "access_key_id": "KEY", "secret_access_key": "secret", "allowed": allowed}
    )
    with ctx.db.write() as session:
        connections.put(ctx, session, name, settings)


def given(ctx: Context, job: Job) -> dict[str, bytes]:
    """What the job is to find below `inputs/`, with the bytes as they are stored."""
    with ctx.db.read() as session:
        rows = inputs.of_job(session, job.id)
    return {f"{row.name}/{row.path}": b"".join(ctx.objects.read(row.sha256)) for row in rows}


def test_a_job_gets_what_lies_in_the_outputs_of_another(ctx: Context) -> None:
    giver = ended_with(ctx, {"outputs/model.pth": b"m", "outputs/deep/a.csv": b"a", "notes.txt": b"n"})

    job = submit(ctx, inputs={"train": f"job:{giver.id}"})

    assert given(ctx, job) == {"train/model.pth": b"m", "train/deep/a.csv": b"a"}
    assert job.spec.inputs == {"train": f"job:{giver.id}"}


def test_it_gets_everything_if_nothing_lies_there(ctx: Context) -> None:
    giver = ended_with(ctx, {"cnn.pth": b"m"})

    assert given(ctx, submit(ctx, inputs={"a": f"job:{giver.id}", "b": f"job:{giver.id}"})) == {
        "a/cnn.pth": b"m",
        "b/cnn.pth": b"m",
    }


def test_the_worker_is_told_them_at_the_claim(ctx: Context) -> None:
    giver = ended_with(ctx, {"outputs/model.pth": b"weights"})
    job = submit(ctx, inputs={"train": f"job:{giver.id}"})

    (file,) = claimed(ctx, job).inputs

    assert (file.name, file.path, file.size) == ("train", "model.pth", 7)


def test_a_failed_job_that_left_something_gives_it(ctx: Context) -> None:
    giver = ended_with(ctx, {"outputs/half.pth": b"h"}, exit_code=1)

    assert given(ctx, submit(ctx, inputs={"x": f"job:{giver.id}"})) == {"x/half.pth": b"h"}


def test_a_job_that_succeeded_without_leaving_anything_gives_nothing(ctx: Context) -> None:
    giver = ended_with(ctx, {})

    assert given(ctx, submit(ctx, inputs={"x": f"job:{giver.id}"})) == {}


def test_a_job_that_is_not_there_is_refused(ctx: Context) -> None:
    with pytest.raises(InputUnknown) as refused:
        submit(ctx, inputs={"train": f"job:{NOBODY}"})

    assert (refused.value.code, refused.value.field) == ("input_unknown", "inputs.train")


def test_a_job_that_has_not_ended_is_refused(ctx: Context) -> None:
    waiting = submit(ctx)

    with pytest.raises(InputUnknown, match="has not ended"):
        submit(ctx, inputs={"x": f"job:{waiting.id}"})


def test_a_job_that_failed_and_left_nothing_is_refused(ctx: Context) -> None:
    failed = ended_with(ctx, {}, exit_code=1)

    with pytest.raises(InputUnknown, match="is failed and left no files"):
        submit(ctx, inputs={"x": f"job:{failed.id}"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"../up": f"job:{NOBODY}"},
        {"": f"job:{NOBODY}"},
        {"a b": f"job:{NOBODY}"},
        {"n" * 65: f"job:{NOBODY}"},
        {"x": "job:"},
        {"x": NOBODY},
        {"x": "run:1"},
        {"x": "train.csv"},
        {f"i{number}": f"job:{NOBODY}" for number in range(51)},
    ],
)
def test_a_name_or_source_that_is_none_is_refused(ctx: Context, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="inputs_invalid"):
        submit(ctx, inputs=wrong)


def test_what_a_failed_job_left_may_be_nothing_where_that_is_said(ctx: Context) -> None:
    failed = ended_with(ctx, {}, exit_code=1)

    job = submit(ctx, inputs={"x": job_source(failed.id, may_be_empty=True), "y": NOTHING})

    assert given(ctx, job) == {}
    assert claimed(ctx, job).spec.inputs == {"x": f"job:{failed.id}?", "y": "none"}


def test_what_a_job_left_is_given_where_it_might_have_been_nothing(ctx: Context) -> None:
    failed = ended_with(ctx, {"outputs/half.pth": b"h"}, exit_code=1)

    assert given(ctx, submit(ctx, inputs={"x": f"job:{failed.id}?"})) == {"x/half.pth": b"h"}


def test_a_job_that_is_missing_or_goes_on_is_refused_even_where_nothing_will_do(ctx: Context) -> None:
    waiting = submit(ctx)

    for job_id in (NOBODY, waiting.id):
        with pytest.raises(InputUnknown):
            submit(ctx, inputs={"x": f"job:{job_id}?"})


def test_uploaded_files_are_given_under_their_names(ctx: Context) -> None:
    table, labels = stored(ctx, b"1,2"), stored(ctx, b"a")

    job = submit(ctx, inputs={"训练": f"blob:{table.sha256}/a,b.csv,blob:{labels.sha256}/标签.txt"})

    assert given(ctx, job) == {"训练/a,b.csv": b"1,2", "训练/标签.txt": b"a"}
    assert [(file.path, file.size) for file in claimed(ctx, job).inputs] == [("a,b.csv", 3), ("标签.txt", 1)]


def test_a_file_that_was_not_uploaded_is_refused(ctx: Context) -> None:
    with pytest.raises(BlobNotUploaded) as refused:
        submit(ctx, inputs={"data": f"blob:{'0' * 64}/a.csv"})

    assert (refused.value.code, refused.value.field) == ("blob_not_uploaded", "inputs.data")


def test_an_uploaded_file_stays_for_as_long_as_a_job_is_given_it(ctx: Context) -> None:
    sha256 = stored(ctx, b"1,2").sha256
    user, first = admin(ctx), submit(ctx, inputs={"data": f"blob:{sha256}/a.csv"})
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(3 * 86400)
    Reconciler(ctx).look()

    with ctx.db.write() as session:
        second = jobs.run_again(ctx, session, first.id, user)

    assert given(ctx, second) == {"data/a.csv": b"1,2"}
    for job in (first, second):
        with ctx.db.write() as session:
            jobs.cancel(ctx, session, job.id, user)
        with ctx.db.write() as session:
            jobs.delete(ctx, session, job.id)
    ctx.clock.advance(3 * 86400)
    Reconciler(ctx).look()
    with ctx.db.read() as session:
        assert blobs.find(session, sha256) is None


def test_storage_paths_are_read_through_the_connections_of_the_claim(ctx: Context) -> None:
    connect(ctx, "lab", "data")
    connect(ctx, "more", "more/public/")

    job = submit(ctx, dependency_paths="s3://data/x", inputs={"a": "s3://data/y/,s3://more/public/z"})

    told = claimed(ctx, job)
    assert [access.name for access in told.storage] == ["lab", "more"]
    assert told.inputs == []


def test_a_path_that_no_connection_covers_is_refused_at_once(ctx: Context) -> None:
    connect(ctx, "lab", "data")

    with pytest.raises(Forbidden, match="s3://private/key") as refused:
        submit(ctx, inputs={"a": "s3://data/x", "b": "s3://private/key"})

    assert (refused.value.code, refused.value.field) == ("s3_bucket_not_allowed", "inputs.b")


def test_a_connection_that_went_away_meanwhile_fails_the_job(ctx: Context) -> None:
    connect(ctx, "lab", "data")
    job = submit(ctx, inputs={"a": "s3://data/x"})
    with ctx.db.write() as session:
        connections.remove(session, "lab")
    held = placed(ctx, job)
    assert held.worker is not None

    with ctx.db.write() as session:
        assert attempts.claim(ctx, session, held.worker, held.attempt.id) is None

    assert get(ctx, job).reason is Reason.DEPENDENCY_FORBIDDEN


def test_a_job_starts_where_its_inputs_were_made(ctx: Context) -> None:
    giver = ended_with(ctx, {"outputs/a": b"a"})
    maker = latest_attempt(ctx, giver.id)
    for number in range(3):
        register(ctx, worker_id=f"00000000-0000-4000-8000-00000000000{number}", cpus=1)

    job = submit(ctx, inputs={"x": f"job:{giver.id}", "y": "none"})

    held = placed(ctx, job)
    assert held.attempt.near == [maker.attempt.worker_id]
    assert held.attempt.worker_id == maker.attempt.worker_id


def test_what_was_given_stays_when_the_giver_is_deleted(ctx: Context) -> None:
    giver = ended_with(ctx, {"outputs/a": b"a"})
    job = submit(ctx, inputs={"x": f"job:{giver.id}"})
    with ctx.db.write() as session:
        jobs.delete(ctx, session, giver.id)
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(3 * 86400)

    Reconciler(ctx).look()

    assert given(ctx, job) == {"x/a": b"a"}


def test_running_again_gives_the_same_files_though_the_giver_is_gone(ctx: Context) -> None:
    giver = ended_with(ctx, {"outputs/a": b"a"})
    first = submit(ctx, inputs={"x": f"job:{giver.id}"})
    user = admin(ctx)
    with ctx.db.write() as session:
        jobs.delete(ctx, session, giver.id)

    with ctx.db.write() as session:
        second = jobs.run_again(ctx, session, first.id, user)

    assert given(ctx, second) == {"x/a": b"a"}


def test_with_the_job_its_inputs_go(ctx: Context) -> None:
    giver = ended_with(ctx, {"outputs/a": b"a"})
    job = submit(ctx, inputs={"x": f"job:{giver.id}"})
    user = admin(ctx)
    with ctx.db.write() as session:
        jobs.cancel(ctx, session, job.id, user)

    with ctx.db.write() as session:
        jobs.delete(ctx, session, job.id)

    assert given(ctx, job) == {}
