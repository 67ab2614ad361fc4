"""Which objects a job's `dependency_paths` name, and where beside the script each of them lands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torchyard.contracts.connections import StorageAccess
from torchyard.contracts.sayings import Sentence, say
from torchyard.contracts.storage_paths import StoragePath, allows
from torchyard.errors import DependencyFailed
from torchyard_worker.buckets import Bucket, RemoteObject

Answer = TypeVar("Answer")

#: Bytes of a name that every file system takes.
_MAX_NAME_BYTES = 255


class Persist(Protocol):
    """Asks a storage, again while it is away; the second argument is what for, in words for people."""

    def __call__(self, call: Callable[[], Answer], uri: str) -> Answer:
        """What `call` gives."""


@dataclass(frozen=True)
class Bounds:
    """The most that one job may fetch."""

    files: int = 10_000
    total_bytes: int = 50 * 2**30

    def check(self, files: int, total_bytes: int, uri: str) -> None:
        """Refuse more.

        Raises:
            DependencyFailed: `dependency_too_large`.
        """
        if files > self.files:
            raise _too_large(say("fetch_over_count", most=self.files, uri=uri))
        if total_bytes > self.total_bytes:
            raise _too_large(say("fetch_over_size", gib=f"{self.total_bytes / 2**30:.3g}", uri=uri))


@dataclass(frozen=True)
class Landing:
    """An object, and where it lands.

    Attributes:
        place: Its path in the script's directory, of plain names only.
        found: The object; None makes an empty directory.
        uri: What it is called in messages.
    """

    place: str
    found: RemoteObject | None
    uri: str


def access_for(path: StoragePath, storage: Iterable[StorageAccess]) -> StorageAccess:
    """The connection that a path is read through.

    Raises:
        DependencyFailed: `dependency_forbidden`: there is none.
    """
    for access in storage:
        if access.kind is path.kind and allows(access.allowed, path):
            return access
    raise _refused(say("no_connection_for", uri=path))


def locate(path: StoragePath, bucket: Bucket, bounds: Bounds, persist: Persist) -> list[Landing]:
    """What a path names: one file, or all that is below it.

    Raises:
        DependencyFailed: Nothing is there, it may not be read, it is too much, or a key is no file's path.
    """
    name = (path.key.rstrip("/") or path.bucket).rpartition("/")[2]
    if path.key and not path.key.endswith("/"):
        found = persist(lambda: bucket.find(path.key), str(path))
        if found is not None:
            bounds.check(1, found.size, str(path))
            return [Landing(_plain(name, str(path)), found, str(path))]
    prefix = f"{path.key.rstrip('/')}/" if path.key else ""
    landings = [_below(name, prefix, found) for found in _all_below(bucket, prefix, bounds, persist)]
    if not landings:
        raise DependencyFailed(say("storage_lacks_file", uri=path), code="dependency_not_found")
    return landings


def _all_below(bucket: Bucket, prefix: str, bounds: Bounds, persist: Persist) -> list[RemoteObject]:
    found: list[RemoteObject] = []
    after, more, uri = "", True, f"{bucket}/{prefix}"
    while more:
        page, more = persist(lambda: bucket.below(prefix, after), uri)  # noqa: B023 - called at once
        found += page
        bounds.check(len(found), sum(one.size for one in found), uri)
        after = found[-1].key if found else ""
    return found


def _below(name: str, prefix: str, found: RemoteObject) -> Landing:
    place = found.key.removeprefix(prefix)
    # S3 has no directories: an object whose key ends with a slash is how consoles make an empty one.
    folder = place == "" or place.endswith("/")
    path = "/".join([name, *place.removesuffix("/").split("/")]) if place else name
    for part in path.split("/"):
        _plain(part, str(found))
    return Landing(path, None if folder else found, str(found))


def _plain(name: str, uri: str) -> str:
    # A key is the storage's text, not a path: of its parts come names, each of which stays where it is put.
    strange = any(ord(char) < 32 or 127 <= ord(char) < 160 or 0xD800 <= ord(char) < 0xE000 for char in name)
    if name in {"", ".", ".."} or "\\" in name or "/" in name or strange:
        raise _refused(say("key_no_file_name", name=repr(name[:80]), uri=uri))
    if len(name.encode()) > _MAX_NAME_BYTES:
        raise _refused(say("key_too_long", bytes=_MAX_NAME_BYTES, uri=uri))
    return name


def _too_large(why: Sentence) -> DependencyFailed:
    return DependencyFailed(why, code="dependency_too_large")


def _refused(why: Sentence) -> DependencyFailed:
    return DependencyFailed(why, code="dependency_forbidden")
