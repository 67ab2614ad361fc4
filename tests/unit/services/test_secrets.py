import dataclasses
import threading
from collections.abc import Callable
from functools import partial

import pytest
from tests.factories import admin, attempt_id, finish, get, make_create, register, submit

from torchyard.contracts.jobs import Job, JobCreate, JobState
from torchyard.contracts.logs import LogName, Piece, Stream
from torchyard.contracts.runner import ClaimedAttempt, Report
from torchyard.contracts.sayings import say
from torchyard.contracts.secrets import SecretValue
from torchyard.errors import FieldInvalid, NotFound, SealBroken, SecretInUse
from torchyard.services import attempts, jobs, logs, scheduling, secrets
from torchyard.services.context import Context
from torchyard.services.sealing import Sealer, new_key
from torchyard.services.users import User
from torchyard.storage import users as stored_users
from torchyard.storage.jobs import JobFilter
from torchyard.storage.tables import UserRow, WorkerRow

CLEAR = "s3cr3t-of-the-owner"
REFERRING = {"TOKEN": "Bearer ${secrets.KEY}", "LITERAL": "$${secrets.KEY}", "SEED": "1"}


def put(ctx: Context, name: str = "KEY", value: str = CLEAR, owner: User | None = None) -> None:
    who = owner or admin(ctx)
    with ctx.db.write() as session:
        secrets.put(ctx, session, who, name, SecretValue.model_validate({"value": value}))


def remove(ctx: Context, name: str = "KEY") -> None:
    who = admin(ctx)
    with ctx.db.write() as session:
        secrets.remove(session, who, name)


def other_user(ctx: Context) -> User:
    with ctx.db.write() as session:
        stored_users.add_user(
            session, UserRow(id="other", name="other", role="user", created_at=ctx.clock.now())
        )
    return User("other", "other", "user")


def claimed(ctx: Context, job: Job) -> tuple[WorkerRow, ClaimedAttempt | None]:
    worker, _ = register(ctx)
    scheduling.schedule(ctx)
    with ctx.db.write() as session:
        return worker, attempts.claim(ctx, session, worker, attempt_id(ctx, job))


def test_a_claimed_attempt_has_the_values_and_its_specification_the_references(ctx: Context) -> None:
    put(ctx)
    job = submit(ctx, environment=REFERRING)

    _, attempt = claimed(ctx, job)

    assert attempt is not None
    clear = {name: value.get_secret_value() for name, value in attempt.environment.items()}
    assert clear == {"TOKEN": f"Bearer {CLEAR}", "LITERAL": "${secrets.KEY}", "SEED": "1"}
    assert attempt.spec.environment == REFERRING
    assert CLEAR not in attempt.model_dump_json()
    assert CLEAR not in repr(attempt)


def test_the_newest_value_counts_when_the_job_starts(ctx: Context) -> None:
    put(ctx)
    job = submit(ctx, environment={"TOKEN": "${secrets.KEY}"})
    put(ctx, value="replaced")

    _, attempt = claimed(ctx, job)

    assert attempt is not None
    assert attempt.environment["TOKEN"].get_secret_value() == "replaced"


@pytest.mark.parametrize(
    ("value", "code"), [("${secrets.NONE}", "secret_unknown"), ("${epochs}", "parameter_unknown")]
)
def test_an_unknown_reference_is_refused_and_makes_no_job(ctx: Context, value: str, code: str) -> None:
    with pytest.raises(FieldInvalid) as problem:
        submit(ctx, environment={"TOKEN": value})

    assert (problem.value.code, problem.value.field) == (code, "environment")
    with ctx.db.read() as session:
        assert jobs.page(ctx, session, JobFilter(), before=None, limit=1) == []


def test_a_value_that_becomes_too_long_for_a_process_is_refused(ctx: Context) -> None:
    put(ctx, value="x" * 64 * 1024)

    submit(ctx, environment={"TOKEN": "${secrets.KEY}"})
    with pytest.raises(FieldInvalid) as problem:
        submit(ctx, environment={"TOKEN": "${secrets.KEY}."})

    assert problem.value.code == "env_not_allowed"


def test_secrets_belong_to_their_user_also_when_another_runs_the_job_again(ctx: Context) -> None:
    put(ctx)
    other = other_user(ctx)
    job = submit(ctx, environment=REFERRING)
    create = make_create(ctx, environment=REFERRING)

    with ctx.db.read() as session:
        assert secrets.all_of(session, other) == []
    with pytest.raises(FieldInvalid, match="no secret 'KEY'"), ctx.db.write() as session:
        jobs.accept(ctx, session, create, other)
    with pytest.raises(FieldInvalid, match="no secret 'KEY'"), ctx.db.write() as session:
        jobs.run_again(ctx, session, job.id, other)
    put(ctx, value="the other's own", owner=other)
    with ctx.db.write() as session:
        again = jobs.run_again(ctx, session, job.id, other)

    _, attempt = claimed(ctx, again)
    assert attempt is not None
    assert attempt.environment["TOKEN"].get_secret_value() == "Bearer the other's own"


def test_a_secret_can_be_removed_once_no_open_job_needs_it(ctx: Context) -> None:
    put(ctx)
    put(ctx, "UNUSED")
    job = submit(ctx, name="needy", environment=REFERRING)

    remove(ctx, "UNUSED")
    with pytest.raises(SecretInUse, match="'needy' needs it"):
        remove(ctx)
    worker, _ = claimed(ctx, job)
    with pytest.raises(SecretInUse):
        remove(ctx)
    finish(ctx, worker, attempt_id(ctx, job), exit_code=0)
    remove(ctx)

    with pytest.raises(NotFound):
        remove(ctx)


def outcome_of(action: Callable[[], object], outcomes: list[str], done: str) -> None:
    try:
        action()
        outcomes.append(done)
    except (FieldInvalid, SecretInUse) as problem:
        outcomes.append(problem.code)


def accept(ctx: Context, user: User, create: JobCreate) -> Job:
    with ctx.db.write() as session:
        return jobs.accept(ctx, session, create, user)


@pytest.mark.parametrize("_round", range(5))
def test_a_removal_racing_with_a_submission_never_leaves_a_job_without_its_secret(
    ctx: Context, _round: int
) -> None:
    put(ctx)
    create, user = make_create(ctx, environment=REFERRING), admin(ctx)
    outcomes: list[str] = []
    actions = ((partial(accept, ctx, user, create), "accepted"), (partial(remove, ctx), "removed"))
    threads = [threading.Thread(target=outcome_of, args=(action, outcomes, done)) for action, done in actions]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) in (["accepted", "secret_in_use"], ["removed", "secret_unknown"])


def test_a_key_that_is_gone_is_said_and_breaks_nothing_else(ctx: Context) -> None:
    put(ctx)
    job = submit(ctx, environment=REFERRING)
    lost = dataclasses.replace(ctx, sealer=Sealer([new_key()]))

    with pytest.raises(SealBroken, match="'KEY' was encrypted with a key"):
        submit(lost, environment=REFERRING)
    _, attempt = claimed(lost, job)

    assert attempt is None
    ended = get(lost, job)
    assert ended.state is JobState.FAILED
    assert "the secret 'KEY' was encrypted with a key" in str(ended.sentence)
    with lost.db.read() as session:
        assert [one.name for one in secrets.all_of(session, admin(lost))] == ["KEY"]


def test_rotation_gives_everything_the_newest_key_and_names_what_no_key_opens(ctx: Context) -> None:
    old, new = new_key(), new_key()
    put(dataclasses.replace(ctx, sealer=Sealer([old])))
    put(ctx, "STRANGE")
    both = dataclasses.replace(ctx, sealer=Sealer([new, old]))

    with both.db.write() as session:
        assert secrets.rotate(both, session) == (1, ["secret STRANGE"])

    rotated = dataclasses.replace(ctx, sealer=Sealer([new]))
    submit(rotated, environment=REFERRING)


def test_logs_show_stars_for_secrets_wherever_a_read_cuts_them(ctx: Context) -> None:
    put(ctx)
    job = submit(ctx, environment=REFERRING)
    _, attempt = claimed(ctx, job)
    assert attempt is not None
    printed = f"start {CLEAR} mid\n{CLEAR}{CLEAR} end".encode()
    logs.append(ctx, attempt.attempt_id, LogName.STDOUT, 0, printed, [Piece(0, Stream.STDOUT, 1)])
    shown = printed.replace(CLEAR.encode(), b"*" * len(CLEAR))
    with ctx.db.read() as session:
        ref = logs.locate(session, job.id, LogName.STDOUT)

    for start in range(len(printed) + 1):
        for length in (1, 3, 10, 100):
            assert logs.read(ctx, ref, start, length) == shown[start : start + length]
    told = list(logs.chunks(ctx, ref, 0, 1000, final=True))

    assert "".join(str(chunk.text) for chunk in told) == shown.decode()
    assert ctx.logs.read(attempt.attempt_id, LogName.STDOUT, 0, 1000) == printed


def test_a_followed_log_never_shows_a_secret_that_arrives_in_two_parts(ctx: Context) -> None:
    put(ctx)
    job = submit(ctx, environment=REFERRING)
    _, attempt = claimed(ctx, job)
    assert attempt is not None
    with ctx.db.read() as session:
        ref = logs.locate(session, job.id, LogName.STDERR)
    followed, size = "", 0

    for part in (f"a {CLEAR[:9]}", f"{CLEAR[9:]} b"):
        logs.append(ctx, attempt.attempt_id, LogName.STDERR, size, part.encode(), [])
        size += len(part)
        for chunk in logs.chunks(ctx, ref, len(followed), 1000, final=False):
            followed += str(chunk.text)

    assert followed == f"a {'*' * len(CLEAR)} b"


def test_jobs_that_refer_to_no_secret_have_their_logs_shown_as_they_are(ctx: Context) -> None:
    put(ctx)
    job = submit(ctx)
    _, attempt = claimed(ctx, job)
    assert attempt is not None
    logs.append(ctx, attempt.attempt_id, LogName.STDERR, 0, CLEAR.encode(), [])
    with ctx.db.read() as session:
        ref = logs.locate(session, job.id, LogName.STDERR)

    assert logs.read(ctx, ref, 0, 100) == CLEAR.encode()


def test_what_a_script_says_of_its_secrets_is_stored_with_stars(ctx: Context) -> None:
    put(ctx)
    job = submit(ctx, environment=REFERRING)
    worker, attempt = claimed(ctx, job)
    assert attempt is not None
    with ctx.db.write() as session:
        started = say("start_cold", why=f"{CLEAR} is set")
        told = Report(number=1, before=[say("unreadable", problem=CLEAR)], message=started)
        attempts.report(ctx, session, worker, attempt.attempt_id, told)

    finish(ctx, worker, attempt.attempt_id, exit_code=1, exception=f"KeyError: '{CLEAR}'", script_line=3)

    ended = get(ctx, job)
    assert f"KeyError: '{'*' * len(CLEAR)}' at line 3" in str(ended.sentence)
    with ctx.db.read() as session:
        assert CLEAR not in str(jobs.events_of(session, job.id))
