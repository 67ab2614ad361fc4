import pytest
from tests.factories import admin, make_create

from torchyard.contracts.jobs import JobCreate
from torchyard.errors import FieldInvalid, IdempotencyInProgress, IdempotencyKeyReused
from torchyard.services import idempotency, jobs
from torchyard.services.context import Context


def submit_under(ctx: Context, key: str | None, create: JobCreate) -> str:
    user = admin(ctx)
    with idempotency.begun(ctx, user, key) as request:
        earlier = request.replayed(create.model_dump_json())
        if earlier is not None:
            return earlier
        with ctx.db.write() as session:
            job = jobs.accept(ctx, session, create, user)
            request.complete(session, create.model_dump_json(), job.id)
    return job.id


def test_a_replay_gives_the_same_job(ctx: Context) -> None:
    create = make_create(ctx)

    assert submit_under(ctx, "k", create) == submit_under(ctx, "k", create)
    assert submit_under(ctx, "other", create) != submit_under(ctx, None, create)


def test_the_same_key_with_another_request_is_refused(ctx: Context) -> None:
    submit_under(ctx, "k", make_create(ctx))

    with pytest.raises(IdempotencyKeyReused):
        submit_under(ctx, "k", make_create(ctx, arguments="--lr 1"))


def test_the_same_key_while_the_first_request_goes_on_is_refused(ctx: Context) -> None:
    with (
        idempotency.begun(ctx, admin(ctx), "k"),
        pytest.raises(IdempotencyInProgress),
        idempotency.begun(ctx, admin(ctx), "k"),
    ):
        pass


def test_a_failed_request_gives_its_key_back(ctx: Context) -> None:
    create = make_create(ctx)
    with pytest.raises(ZeroDivisionError), idempotency.begun(ctx, admin(ctx), "k"):
        raise ZeroDivisionError

    assert submit_under(ctx, "k", create) == submit_under(ctx, "k", create)


def test_a_replay_that_is_refused_does_not_free_the_key(ctx: Context) -> None:
    create = make_create(ctx)
    first = submit_under(ctx, "k", create)
    with pytest.raises(IdempotencyKeyReused):
        submit_under(ctx, "k", make_create(ctx, arguments="--lr 1"))

    assert submit_under(ctx, "k", create) == first


@pytest.mark.parametrize("key", ["", " ", "ä", "a b", "k" * 256, "tab\t"])
def test_a_key_is_visible_ascii(ctx: Context, key: str) -> None:
    with pytest.raises(FieldInvalid), idempotency.begun(ctx, admin(ctx), key):
        pass
