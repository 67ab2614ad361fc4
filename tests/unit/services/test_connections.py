import dataclasses
from typing import Any

import pytest
from pydantic import ValidationError
from tests.factories import attempt_id, get, register, submit

from torchyard.contracts.connections import Connection, ConnectionSettings
from torchyard.contracts.jobs import JobState, Reason
from torchyard.contracts.storage_paths import StoragePath, parse, split_paths
from torchyard.errors import Forbidden, NotFound, SealBroken
from torchyard.services import attempts, connections, scheduling
from torchyard.services.context import Context
from torchyard.services.sealing import Sealer, new_key

SECRET = "the-secret-of-the-key"


def make_settings(**fields: Any) -> ConnectionSettings:
    return ConnectionSettings.model_validate(
        {"access_key_id": "KEY", "secret_access_key": SECRET, "allowed": ["data"], **fields}
    )


def put(ctx: Context, name: str = "lab", **fields: Any) -> Connection:
    with ctx.db.write() as session:
        return connections.put(ctx, session, name, make_settings(**fields))


def names(ctx: Context, paths: str) -> list[str]:
    with ctx.db.read() as session:
        return [access.name for access in connections.resolve(ctx, session, paths)]


@pytest.mark.parametrize(
    ("fields", "endpoint", "addressing"),
    [
        ({}, None, "virtual"),
        ({"endpoint": "http://10.0.0.1:9000/"}, "http://10.0.0.1:9000", "path"),
        ({"kind": "cos", "region": "ap-guangzhou"}, "https://cos.ap-guangzhou.myqcloud.com", "virtual"),
        ({"kind": "cos", "endpoint": "https://cos.example.org"}, "https://cos.example.org", "virtual"),
        (
            {"endpoint": "https://s3.example.org", "addressing": "virtual"},
            "https://s3.example.org",
            "virtual",
        ),
    ],
)
def test_endpoint_and_addressing_follow_from_the_kind(
    ctx: Context, fields: dict[str, Any], endpoint: str | None, addressing: str
) -> None:
    made = put(ctx, **fields)

    assert (made.endpoint, made.addressing) == (endpoint, addressing)
    with ctx.db.read() as session:
        assert connections.all_of(session) == [made]
        assert connections.get(session, "lab") == made


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint": "ftp://example.org"},
        {"endpoint": "https://user:pass@example.org"},
        {"endpoint": "https://example.org/path"},
        {"endpoint": "https://example.org\n"},
        {"allowed": []},
        {"allowed": ["../etc"]},
        {"allowed": ["arn:aws:s3:::data"]},
        {"region": "us east"},
        {"access_key_id": "a\x00b"},
        {"secret_access_key": ""},
        {"surprise": 1},
    ],
)
def test_settings_that_make_no_connection_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make_settings(**fields)


def test_each_path_is_read_through_the_first_connection_that_covers_it(ctx: Context) -> None:
    put(ctx, "b", allowed=["data", "models"])
    put(ctx, "a", allowed=["data/public/"])
    put(ctx, "c", kind="cos", allowed=["data"])

    assert names(ctx, "") == []
    assert names(ctx, "s3://data/public/x, s3://models/y") == ["a", "b"]
    assert names(ctx, "s3://data/private/x") == ["b"]
    assert names(ctx, "cos://data/public/x") == ["c"]


def test_the_worker_that_takes_the_first_one_again_finds_the_same(ctx: Context) -> None:
    put(ctx, "a", allowed=["data/one/"])
    put(ctx, "b", allowed=["data"])
    with ctx.db.read() as session:
        given = connections.resolve(ctx, session, "s3://data/two,s3://data/one/x")

    def first(path: StoragePath) -> str:
        return next(one.name for one in given if connections.storage_paths.allows(one.allowed, path))

    assert [first(path) for path in split_paths("s3://data/two,s3://data/one/x")] == ["b", "a"]


@pytest.mark.parametrize(
    "path", ["s3://other/x", "s3://data/publicity", "s3://data/public", "cos://data/public/x", "s3://data/"]
)
def test_a_path_that_no_connection_covers_is_refused_by_name(ctx: Context, path: str) -> None:
    put(ctx, allowed=["data/public/"])

    with pytest.raises(Forbidden) as problem:
        submit(ctx, dependency_paths=f"s3://data/public/x,{path}")

    assert (problem.value.code, problem.value.field) == ("s3_bucket_not_allowed", "dependency_paths")
    assert path in problem.value.message


def test_a_claimed_attempt_has_what_its_paths_need_with_the_secret(ctx: Context) -> None:
    put(ctx)
    put(ctx, "unneeded", allowed=["other"])
    job = submit(ctx, dependency_paths="s3://data/x")
    worker, _ = register(ctx)
    scheduling.schedule(ctx)

    with ctx.db.write() as session:
        claimed = attempts.claim(ctx, session, worker, attempt_id(ctx, job))

    assert claimed is not None
    (access,) = claimed.storage
    assert (access.name, access.secret_access_key.get_secret_value()) == ("lab", SECRET)
    assert SECRET not in claimed.model_dump_json()


def test_a_job_whose_connection_was_removed_while_it_waited_fails_with_a_reason(ctx: Context) -> None:
    put(ctx)
    job = submit(ctx, dependency_paths="s3://data/x")
    with ctx.db.write() as session:
        connections.remove(session, "lab")
    worker, _ = register(ctx)
    scheduling.schedule(ctx)

    with ctx.db.write() as session:
        assert attempts.claim(ctx, session, worker, attempt_id(ctx, job)) is None

    ended = get(ctx, job)
    assert (ended.state, ended.reason) == (JobState.FAILED, Reason.DEPENDENCY_FORBIDDEN)
    assert ended.sentence == "The job can't be started any more: no connection allows to read s3://data/x."


def test_looking_behind_a_connection_takes_its_permission_and_its_secret(ctx: Context) -> None:
    put(ctx, allowed=["data/public/"])
    buckets: Any = ctx.buckets
    buckets.objects["data", "public/a.csv"] = b"1,2"
    buckets.secret = SECRET

    assert connections.check(ctx, "lab", parse("s3://data/public/a.csv")).size == 3
    assert connections.browse(ctx, "lab", None, None).folders == ["s3://data/public/"]
    assert [one.name for one in connections.browse(ctx, "lab", parse("s3://data/public"), None).files] == [
        "a.csv"
    ]
    for path in ("s3://data/private/x", "cos://data/public/a.csv", "s3://data/"):
        for look in (connections.check, lambda *given: connections.browse(*given, None)):
            with pytest.raises(Forbidden) as problem:
                look(ctx, "lab", parse(path))
            assert problem.value.code == "s3_bucket_not_allowed"
    with pytest.raises(NotFound) as missing:
        connections.check(ctx, "none", parse("s3://data/public/a.csv"))
    assert missing.value.code == "connection_not_found"


def test_a_connection_is_replaced_and_removed(ctx: Context) -> None:
    put(ctx)
    put(ctx, region="eu-west-1", secret_access_key="another")

    with ctx.db.write() as session:
        assert connections.get(session, "lab").region == "eu-west-1"
        connections.remove(session, "lab")
        with pytest.raises(NotFound):
            connections.remove(session, "lab")


def test_a_connection_s_secret_gets_the_newest_key_too(ctx: Context) -> None:
    old, new = new_key(), new_key()
    put(dataclasses.replace(ctx, sealer=Sealer([old])))
    put(ctx, "strange", allowed=["other"])
    both, rotated = (dataclasses.replace(ctx, sealer=Sealer(keys)) for keys in ([new, old], [new]))
    with pytest.raises(SealBroken):
        names(rotated, "s3://data/x")

    with both.db.write() as session:
        assert connections.rotate(both, session) == (1, ["connection strange"])

    assert names(rotated, "s3://data/x") == ["lab"]
    with pytest.raises(SealBroken, match="the secret of the connection 'strange' was encrypted"):
        names(rotated, "s3://other/x")
