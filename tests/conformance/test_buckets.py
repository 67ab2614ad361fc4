"""What a look into buckets promises, on the fake and on a real S3 server."""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from pydantic import SecretStr
from tests.servers import S3Server

from torchyard.adapters.s3_storage import S3Storage
from torchyard.contracts.connections import Addressing, PathType, StorageAccess
from torchyard.contracts.storage_paths import StorageKind, StoragePath
from torchyard.errors import Forbidden, NotFound
from torchyard.ports import Buckets
from torchyard.testing import MemoryBuckets

SECRET = "the-secret-of-the-fake"


class World:
    """Buckets, how to look into them, and how to fill them."""

    def __init__(
        self, buckets: Buckets, access: StorageAccess, fill: Callable[[str, str, bytes], Any]
    ) -> None:
        self.buckets, self.access = buckets, access
        self.bucket = f"test-{uuid.uuid4().hex}"
        self._fill = fill

    def put(self, key: str, content: bytes = b"") -> None:
        self._fill(self.bucket, key, content)

    def path(self, key: str, bucket: str | None = None) -> StoragePath:
        return StoragePath(StorageKind.S3, bucket or self.bucket, key)

    def listed(self, key: str) -> list[str]:
        """All that is listed in a directory, whatever parts it comes in, by its path within the bucket."""
        found, cursor = [], None
        while True:
            part = self.buckets.listing(self.access, self.path(key), cursor)
            found += [*part.folders, *(one.path for one in part.files)]
            cursor = part.next_cursor
            if cursor is None:
                return sorted(one.removeprefix(f"s3://{self.bucket}/") for one in found)


def make_access(**fields: Any) -> StorageAccess:
    return StorageAccess.model_validate(
        {
            "name": "test",
            "kind": "s3",
            "region": "us-east-1",
            "addressing": Addressing.PATH,
            "access_key_id": "KEY",
            "secret_access_key": SECRET,
            "allowed": [],
            **fields,
        }
    )


def of_server(server: S3Server, storage: S3Storage) -> World:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
    )
    access = make_access(
        endpoint=server.endpoint,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
    )
    world = World(
        storage, access, lambda bucket, key, body: client.put_object(Bucket=bucket, Key=key, Body=body)
    )
    client.create_bucket(Bucket=world.bucket)
    return world


def in_memory(fake: MemoryBuckets) -> World:
    return World(fake, make_access(), lambda bucket, key, body: fake.objects.update({(bucket, key): body}))


@pytest.fixture(params=["memory", "seaweedfs"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "seaweedfs":
        return of_server(request.getfixturevalue("s3_server"), S3Storage())
    return in_memory(MemoryBuckets(secret=SECRET))


@pytest.fixture(params=["memory", "seaweedfs"])
def world_of_two(request: pytest.FixtureRequest) -> World:
    """Buckets that look at two objects of a directory and no more."""
    if request.param == "seaweedfs":
        return of_server(request.getfixturevalue("s3_server"), S3Storage(max_objects=2))
    return in_memory(MemoryBuckets(secret=SECRET, max_objects=2))


def test_a_file_is_found_with_size_and_etag(world: World) -> None:
    world.put("dir/a.csv", b"1,2")

    found = world.buckets.find(world.access, world.path("dir/a.csv"))

    assert (found.type, found.size, found.path) == (PathType.FILE, 3, f"s3://{world.bucket}/dir/a.csv")
    assert found.etag == hashlib.md5(b"1,2").hexdigest()


@pytest.mark.parametrize("key", ["dir", "dir/", ""])
def test_a_directory_is_found_with_what_lies_below_it(world: World, key: str) -> None:
    world.put("dir/a", b"12")
    world.put("dir/sub/b", b"345")

    found = world.buckets.find(world.access, world.path(key))

    assert (found.type, found.files, found.size, found.more) == (PathType.DIRECTORY, 2, 5, False)


def test_a_name_that_only_begins_like_another_is_not_found(world: World) -> None:
    world.put("directory/a")

    for key in ("dir", "dir/", "directory/a/", "directory/b"):
        with pytest.raises(NotFound) as problem:
            world.buckets.find(world.access, world.path(key))
        assert problem.value.code == "dependency_not_found"
        assert str(world.path(key)) in problem.value.message


def test_a_bucket_that_is_not_there_is_said_to_be_missing(world: World) -> None:
    missing = world.path("x", bucket="no-such-bucket")
    for look in (world.buckets.find, lambda access, path: world.buckets.listing(access, path, None)):
        with pytest.raises(NotFound) as problem:
            look(world.access, missing)
        assert problem.value.code == "dependency_not_found"
        assert "no-such-bucket" in problem.value.message


def test_a_wrong_key_is_forbidden_at_once_and_never_told(world: World) -> None:
    world.put("a")
    wrong = world.access.model_copy(update={"secret_access_key": SecretStr("wrong-secret")})
    for look in (world.buckets.find, lambda access, path: world.buckets.listing(access, path, None)):
        with pytest.raises(Forbidden) as problem:
            look(wrong, world.path("a"))
        assert problem.value.code == "dependency_forbidden"
        assert f"{world.bucket}/a" in problem.value.message
        for canary in ("wrong-secret", "Signature", world.access.secret_access_key.get_secret_value()):
            assert canary not in f"{problem.value.message} {problem.value.hint} {problem.value.extra}"


@pytest.mark.parametrize("key", ["dir", "dir/"])
def test_a_listing_has_the_folders_and_files_of_one_level(world: World, key: str) -> None:
    for name in ("a b&c", "ü.txt", "sub/x", "sub/y/z", "other/"):
        world.put(f"dir/{name}", b"1")
    world.put("dirt/d")

    assert world.listed(key) == ["dir/a b&c", "dir/other/", "dir/sub/", "dir/ü.txt"]
    part = world.buckets.listing(world.access, world.path(key), None)
    assert {one.name: one.size for one in part.files} == {"a b&c": 1, "ü.txt": 1}


def test_a_long_listing_comes_in_parts_without_gaps(world: World) -> None:
    names = sorted(f"n{number:03}" for number in range(205))
    for name in names:
        world.put(f"many/{name}")

    assert world.listed("many/") == [f"many/{name}" for name in names]
    assert world.buckets.listing(world.access, world.path("many/"), None).next_cursor is not None


def test_an_empty_directory_is_listed_as_nothing(world: World) -> None:
    world.put("a")

    assert world.listed("none/") == []


def test_a_fingerprint_is_of_the_content_and_not_of_the_time(world: World) -> None:
    for name, content in (("a", b"12"), ("sub/b", b"345")):
        world.put(f"dir/{name}", content)
        world.put(f"copy/{name}", content)
    file, directory = world.path("dir/a"), world.path("dir/")
    before = [world.buckets.fingerprint(world.access, path) for path in (file, directory)]
    world.put("dir/a", b"12")

    assert [world.buckets.fingerprint(world.access, path) for path in (file, directory)] == before
    assert world.buckets.fingerprint(world.access, world.path("dir")) == before[1]
    assert world.buckets.fingerprint(world.access, world.path("copy")) == before[1]
    assert hashlib.md5(b"12").hexdigest() in str(before[0])
    assert "2 objects" in str(before[1])


@pytest.mark.parametrize(
    ("key", "content"), [("dir/a", b"13"), ("dir/b", b"12"), ("dir/sub/", b""), ("dir/sub/a", b"")]
)
def test_a_fingerprint_changes_with_any_object(world: World, key: str, content: bytes) -> None:
    world.put("dir/a", b"12")
    before = world.buckets.fingerprint(world.access, world.path("dir/"))
    world.put(key, content)

    assert world.buckets.fingerprint(world.access, world.path("dir/")) != before


def test_a_fingerprint_of_many_objects_takes_all_of_them_in(world: World) -> None:
    for number in range(1005):
        world.put(f"many/{number:04}", b"x")
    before = world.buckets.fingerprint(world.access, world.path("many/"))
    world.put("many/1004", b"y")

    after = world.buckets.fingerprint(world.access, world.path("many/"))
    assert after != before
    assert "1005 objects" in str(after)


def test_there_is_no_fingerprint_of_more_objects_than_are_looked_at(world_of_two: World) -> None:
    world, directory = world_of_two, world_of_two.path("dir/")
    for name in "ab":
        world.put(f"dir/{name}")
    assert world.buckets.fingerprint(world.access, directory) is not None
    world.put("dir/c")

    assert world.buckets.fingerprint(world.access, directory) is None


def test_there_is_no_fingerprint_of_what_is_missing_or_forbidden(world: World) -> None:
    world.put("a")
    wrong = world.access.model_copy(update={"secret_access_key": SecretStr("wrong-secret")})

    with pytest.raises(NotFound):
        world.buckets.fingerprint(world.access, world.path("none/"))
    with pytest.raises(Forbidden):
        world.buckets.fingerprint(wrong, world.path("a"))
