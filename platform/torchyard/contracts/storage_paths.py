"""`s3://bucket/key` and `cos://bucket/key`, and which of them a connection allows.

Names are checked by our own rules before any library sees them: botocore takes an ARN for a bucket and then
talks to another host, and a gateway may read `..` in a key as a way into another bucket.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from torchyard.contracts.sayings import Sentence, say

MAX_PATHS = 100
MAX_KEY_BYTES = 1024

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
#: Endings of what is no plain bucket for S3: directory buckets, access points, object lambdas.
_RESERVED_ENDINGS = ("--x-s3", "-s3alias", "--ol-s3")


class StorageKind(StrEnum):
    """What speaks behind a path."""

    S3 = "s3"
    #: Tencent Cloud Object Storage: S3's protocol with virtual-host addresses.
    COS = "cos"


@dataclass(frozen=True)
class StoragePath:
    """A file or directory in a bucket.

    Attributes:
        kind: Which protocol.
        bucket: The bucket's name.
        key: The object's key or prefix; a trailing `/` says that it is a directory. Empty: the whole bucket.
    """

    kind: StorageKind
    bucket: str
    key: str

    def __str__(self) -> str:
        """As a person writes it."""
        return f"{self.kind}://{self.bucket}/{self.key}"

    @property
    def prefix(self) -> str:
        """What the keys of all that lies in it begin with, if it is a directory."""
        return self.key if not self.key or self.key.endswith("/") else f"{self.key}/"


def split_paths(text: str) -> list[StoragePath]:
    """The paths of a job's `dependency_paths`: separated by English commas.

    Raises:
        PydanticCustomError: `s3_uri_invalid`; the path is named.
    """
    parts = [part.strip() for part in text.split(",")]
    found = [parse(part) for part in parts if part]
    if len(found) > MAX_PATHS:
        raise _invalid(text[:80], say("paths_at_most", most=MAX_PATHS))
    return found


def parse(text: str) -> StoragePath:
    """One path.

    Raises:
        PydanticCustomError: `s3_uri_invalid`.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in set(StorageKind):
        raise _invalid(text, say("storage_path_scheme"))
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket or bucket.endswith(_RESERVED_ENDINGS):
        raise _invalid(text, say("storage_path_bucket"))
    segments = key.removesuffix("/").split("/") if key else []
    if any(segment in {"", ".", ".."} for segment in segments):
        raise _invalid(text, say("storage_path_segments"))
    if not key.isprintable() or len(key.encode()) > MAX_KEY_BYTES:
        raise _invalid(text, say("storage_path_key", bytes=MAX_KEY_BYTES))
    return StoragePath(StorageKind(scheme), bucket, key)


def allows(allowed: list[str], path: StoragePath) -> bool:
    """Whether the path lies in one of the buckets (`bucket`) and prefixes (`bucket/prefix/`)."""
    whole = f"{path.bucket}/{path.key}"
    return any(
        path.bucket == one if "/" not in one else whole.startswith(one.rstrip("/") + "/") for one in allowed
    )


def _invalid(text: str, why: Sentence) -> PydanticCustomError:
    told = {"path": repr(text[:200]), "why": why, "says": "storage_path_wrong"}
    return PydanticCustomError("s3_uri_invalid", "{path}: {why}", told)


def _readable(paths: str) -> str:
    split_paths(paths)
    return paths


DependencyPaths = Annotated[
    str,
    Field(
        max_length=200_000,
        description="Files and directories in S3 or COS, copied beside the script: `s3://bucket/key` and "
        "`cos://bucket/key`, separated by commas. A directory ends with `/`, or is a prefix of objects.",
    ),
    AfterValidator(_readable),
]
