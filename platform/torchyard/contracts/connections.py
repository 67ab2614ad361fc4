"""Connections: named S3/COS endpoints with credentials, set up by an administrator."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from torchyard.contracts import storage_paths
from torchyard.contracts.models import Lenient, RevealedSecret, Strict
from torchyard.contracts.storage_paths import StorageKind

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
Allowed = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\x00-\x1f]{1,900})?$",
        description="`bucket`, or `bucket/prefix/`.",
    ),
]


class Addressing(StrEnum):
    """Where the bucket's name stands in a request."""

    #: https://bucket.host/key
    VIRTUAL = "virtual"
    #: https://host/bucket/key
    PATH = "path"


class ConnectionSettings(Strict):
    """A connection as an administrator sets it up."""

    kind: StorageKind = Field(StorageKind.S3, description="`s3`, or `cos` for Tencent Cloud Object Storage.")
    endpoint: str | None = Field(
        None,
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+/?$",
        max_length=300,
        description="The service's address; AWS's own for the region if left out.",
    )
    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]{1,50}$", description="The service's region.")
    addressing: Addressing | None = Field(
        None,
        description="Where the bucket's name stands; `virtual` for COS, `path` where an endpoint is named.",
    )
    access_key_id: str = Field(pattern=r"^[!-~]{1,200}$", description="The key's id.")
    secret_access_key: SecretStr = Field(
        min_length=1, max_length=500, description="The key's secret; stored encrypted, never told again."
    )
    allowed: list[Allowed] = Field(
        min_length=1, max_length=100, description="Buckets and prefixes that jobs may read through it."
    )


class Connection(Lenient):
    """A connection as the API tells it: everything but the secret."""

    name: str = Field(description="The connection's name.")
    kind: StorageKind = Field(description="`s3` or `cos`.")
    endpoint: str | None = Field(None, description="The service's address.")
    region: str = Field(description="The service's region.")
    addressing: Addressing = Field(description="`virtual` or `path`: where the bucket's name stands.")
    access_key_id: str = Field(description="The key's id.")
    allowed: list[str] = Field(description="Buckets and prefixes that jobs may read through it.")


class StorageAccess(Connection):
    """A connection as a worker gets it with an attempt that needs it; held in memory only.

    Its secret is written out as stars, unless the writer asks for it (`models.REVEAL`).
    """

    secret_access_key: RevealedSecret = Field(description="The key's secret.")


def _a_path(text: str) -> str:
    storage_paths.parse(text)
    return text


PathText = Annotated[str, Field(max_length=2000), AfterValidator(_a_path)]


class PathQuestion(Strict):
    """A path to look for."""

    path: PathText = Field(description="`s3://bucket/key` or `cos://bucket/key`; a directory ends with `/`.")


class PathType(StrEnum):
    """What stands behind a path."""

    FILE = "file"
    DIRECTORY = "directory"


class FoundPath(Lenient):
    """What was found at a path."""

    path: str = Field(description="The path that was asked for.")
    type: PathType = Field(description="`file`, or `directory`: there are objects below it.")
    size: int = Field(description="Bytes; for a directory, of the files that were counted.")
    etag: str | None = Field(None, description="A file's ETag, without quotes.")
    files: int = Field(1, description="Files that were counted: at most 1000 of a directory.")
    more: bool = Field(False, description="True if a directory has more files than were counted.")


class StoredFile(Lenient):
    """A file in a listing."""

    name: str = Field(description="Its name within the listed directory.")
    path: str = Field(description="Its path, for `dependency_paths`.")
    size: int = Field(description="Bytes.")
    etag: str = Field(description="Its ETag, without quotes.")
    modified_at: datetime = Field(description="When it was last written.")


class StorageListing(Lenient):
    """One part of a directory's content."""

    folders: list[str] = Field(description="Paths of the directories in it.")
    files: list[StoredFile] = Field(description="The files in it.")
    next_cursor: str | None = Field(None, description="For the next part; null at the end.")
