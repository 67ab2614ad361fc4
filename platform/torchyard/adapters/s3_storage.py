"""Buckets behind S3 and COS: what lies at a path, and what lies in a directory."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from torchyard.contracts import fingerprints
from torchyard.contracts.connections import FoundPath, PathType, StorageAccess, StorageListing, StoredFile
from torchyard.contracts.fingerprints import Seen
from torchyard.contracts.sayings import say
from torchyard.contracts.storage_paths import StorageKind, StoragePath
from torchyard.errors import CursorInvalid, Forbidden, NotFound, TorchyardError, Unavailable

#: Seconds that a connection and each answer may take: somebody waits in front of a form.
_CONNECT_SECONDS, _READ_SECONDS = 5, 30
#: Tries of a request: one more than none, as the caller can ask again.
_TRIES = 2
#: Objects in one answer, S3's own limit; and entries that are browsed at once.
_COUNTED, _BROWSED = 1000, 200
#: Clients kept; making one takes 50 ms.
_MAX_CLIENTS = 32
_NOT_FOUND, _FORBIDDEN, _BAD_REQUEST = 404, frozenset({401, 403}), 400


class S3Storage:
    """`Buckets` through boto3; safe for threads.

    Args:
        max_objects: Objects of which there is a fingerprint, at most.
    """

    def __init__(self, max_objects: int = fingerprints.MAX_OBJECTS) -> None:
        self._max_objects = max_objects
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def find(self, access: StorageAccess, path: StoragePath) -> FoundPath:
        """What lies at the path.

        Raises:
            NotFound: `dependency_not_found`.
            Forbidden: `dependency_forbidden`.
            Unavailable: `dependency_unavailable`.
        """
        client = self._client(access)
        if path.key and not path.key.endswith("/"):
            with contextlib.suppress(NotFound), _explained(path):
                head = client.head_object(Bucket=path.bucket, Key=path.key)
                return FoundPath(
                    path=str(path), type=PathType.FILE, size=head["ContentLength"], etag=_etag(head)
                )
        below = path.prefix
        with _explained(path):
            page = client.list_objects_v2(Bucket=path.bucket, Prefix=below, MaxKeys=_COUNTED)
        objects = page.get("Contents", [])
        if not objects and below:
            raise _missing(path)
        files = [one for one in objects if not one["Key"].endswith("/")]
        return FoundPath(
            path=str(path),
            type=PathType.DIRECTORY,
            size=sum(one["Size"] for one in files),
            files=len(files),
            more=page.get("IsTruncated", False),
        )

    def listing(self, access: StorageAccess, directory: StoragePath, cursor: str | None) -> StorageListing:
        """A part of what lies in the directory.

        Raises:
            NotFound: `dependency_not_found`: there is no such bucket.
            Forbidden: `dependency_forbidden`.
            CursorInvalid: The storage didn't give out this cursor.
            Unavailable: `dependency_unavailable`.
        """
        below, root = directory.prefix, f"{directory.kind}://{directory.bucket}/"
        more = {"ContinuationToken": cursor} if cursor else {}
        with _explained(directory, cursor):
            page = self._client(access).list_objects_v2(
                Bucket=directory.bucket, Prefix=below, Delimiter="/", MaxKeys=_BROWSED, **more
            )
        return StorageListing(
            folders=[root + one["Prefix"] for one in page.get("CommonPrefixes", [])],
            files=[
                StoredFile(
                    name=one["Key"].removeprefix(below),
                    path=root + one["Key"],
                    size=one["Size"],
                    etag=_etag(one),
                    modified_at=one["LastModified"],
                )
                for one in page.get("Contents", [])
                if one["Key"] != below  # the empty object that some tools make for a directory
            ],
            next_cursor=page.get("NextContinuationToken"),
        )

    def fingerprint(self, access: StorageAccess, path: StoragePath) -> str | None:
        """What the path's content is known by; None if there are too many objects.

        Raises:
            NotFound: `dependency_not_found`.
            Forbidden: `dependency_forbidden`.
            Unavailable: `dependency_unavailable`.
        """
        client, below = self._client(access), path.prefix
        if path.key and not path.key.endswith("/"):
            with contextlib.suppress(NotFound), _explained(path):
                head = client.head_object(Bucket=path.bucket, Key=path.key)
                return fingerprints.of_file(_etag(head), head["ContentLength"])
        seen: list[Seen] = []
        for objects in _pages(client, path):
            seen += [Seen(one["Key"].removeprefix(below), _etag(one), one["Size"]) for one in objects]
            if len(seen) > self._max_objects:
                return None
        if not seen:
            raise _missing(path)
        return fingerprints.of_directory(seen)

    def _client(self, access: StorageAccess) -> Any:
        # The secret is part of the key: a connection that was set up anew gets a client of its own.
        key = f"{access.model_dump_json()}\n{access.secret_access_key.get_secret_value()}"
        with self._lock:  # boto3's sessions are not for several threads at once
            if key not in self._clients:
                if len(self._clients) >= _MAX_CLIENTS:
                    self._clients.clear()
                self._clients[key] = _make_client(access)
            return self._clients[key]


def _make_client(access: StorageAccess) -> Any:
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": _TRIES, "mode": "standard"},
        s3={"addressing_style": access.addressing.value},
        # COS and older servers don't know the checksums that boto3 would add.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Only what an administrator set up counts, not what stands in our own environment.
        ignore_configured_endpoint_urls=True,
    )
    try:
        return boto3.session.Session().client(
            "s3",
            region_name=access.region,
            endpoint_url=access.endpoint,
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=access.secret_access_key.get_secret_value(),
            config=config,
        )
    except (BotoCoreError, ValueError) as problem:
        raise Unavailable(
            f"the connection {access.name!r} can't be used: its endpoint or region is none",
            code="dependency_unavailable",
        ) from problem


def _pages(client: Any, directory: StoragePath) -> Iterator[list[dict[str, Any]]]:
    """All objects below a prefix, in parts."""
    after = ""
    while True:
        with _explained(directory):
            if directory.kind is StorageKind.COS:  # knows the first version alone
                page = client.list_objects(Bucket=directory.bucket, Prefix=directory.prefix, Marker=after)
            else:
                page = client.list_objects_v2(
                    Bucket=directory.bucket, Prefix=directory.prefix, StartAfter=after
                )
        objects = page.get("Contents", [])
        yield objects
        if not page.get("IsTruncated", False) or not objects:
            return
        after = objects[-1]["Key"]


def _etag(found: dict[str, Any]) -> str:
    return str(found.get("ETag", "")).strip('"')


@contextlib.contextmanager
def _explained(path: StoragePath, cursor: str | None = None) -> Iterator[None]:
    """The storage's refusals as errors of ours: with bucket and key, without anything that was signed."""
    try:
        yield
    except ClientError as problem:
        raise _refusal(problem, path, cursor) from None
    except (BotoCoreError, OSError) as problem:
        raise Unavailable(
            f"{path} can't be read at the moment: the storage does not answer ({type(problem).__name__})",
            code="dependency_unavailable",
        ) from None


def _refusal(problem: ClientError, path: StoragePath, cursor: str | None) -> TorchyardError:
    status = int(problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(problem.response.get("Error", {}).get("Code", ""))
    if status == _NOT_FOUND:
        return _missing(path, bucket=code == "NoSuchBucket")
    if status in _FORBIDDEN:
        return Forbidden(say("storage_forbids", path=path), code="dependency_forbidden")
    if status == _BAD_REQUEST and cursor is not None:
        return CursorInvalid(field="cursor")
    return Unavailable(say("storage_answered", path=path, status=status), code="dependency_unavailable")


def _missing(path: StoragePath, *, bucket: bool = False) -> NotFound:
    store = "COS" if path.kind is StorageKind.COS else "S3"
    missing = (
        say("no_such_bucket", bucket=path.bucket, storage=store)
        if bucket
        else say("nothing_there", path=path, storage=store)
    )
    return NotFound(missing, code="dependency_not_found")
