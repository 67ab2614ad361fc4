import pytest
from pydantic import ValidationError
from tests.factories import admin, claimed, ended_with, submit

from torchyard.contracts.jobs import Job
from torchyard.errors import InputUnknown
from torchyard.services import jobs
from torchyard.services.context import Context
from torchyard.services.reconciling import Reconciler
from torchyard.storage import inputs
from torchyard.testing import FixedClock

NOBODY = "00000000-0000-4000-8000-000000000000"


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
        {f"i{number}": f"job:{NOBODY}" for number in range(51)},
    ],
)
def test_a_name_or_source_that_is_none_is_refused(ctx: Context, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="inputs_invalid"):
        submit(ctx, inputs=wrong)


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
