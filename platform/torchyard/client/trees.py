"""A directory on its way to the platform: only the files that it lacks are sent, small ones together."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from torchyard.client.connection import Connection
from torchyard.client.packing import check_sizes, contents
from torchyard.client.uploading import Content, OnProgress, Progress, is_there, read, send
from torchyard.contracts import bundles
from torchyard.contracts.trees import Tree, TreeAnswer, TreeEntry, check
from torchyard.errors import Unavailable

_ANSWER = TypeAdapter(TreeAnswer)
#: Offers of one tree: a file that was there at the first may have been removed, unused, by the second.
_OFFERS = 3


def upload(connection: Connection, directory: Path, name: str, on_progress: OnProgress | None = None) -> str:
    """Have the platform take the directory as a tree; the tree's SHA-256.

    Args:
        connection: The platform.
        directory: The directory.
        name: What it is called while its upload is told of.
        on_progress: Called as that goes on; sizes are those of the files that the platform lacks.

    Raises:
        InvalidInput: See `packing`; or a file can't be read, or changed meanwhile.
        ArchiveRejected: A name is one that the platform doesn't take.
        RequestRefused: The platform doesn't take it.
        ServerUnreachable: It doesn't answer.
    """
    tell = on_progress or (lambda _progress: None)
    tree, files = _read(directory)
    size = sum(one.size for one in files.values())
    sha256 = tree.digest()
    if is_there(connection, f"/trees/{sha256}"):
        tell(Progress(name, size, size, known=True))
        return sha256
    for _ in range(_OFFERS):
        answer = _offer(connection, tree)
        if not answer.missing:
            return answer.sha256
        _send([files[missing] for missing in answer.missing], connection, name, tell)
    raise Unavailable("the platform loses files of the directory while they are uploaded; submit it again")


def _read(directory: Path) -> tuple[Tree, dict[str, Content]]:
    """The directory as a tree, and its files by their SHA-256."""
    paths = contents(directory)
    check_sizes(directory, paths)
    entries: list[TreeEntry] = []
    files: dict[str, Content] = {}
    for path in paths:
        if path.endswith("/"):
            entries.append(TreeEntry(path=path))
            continue
        place = directory / path
        file = read(place, path, "dependencies")
        executable = bool(place.stat().st_mode & stat.S_IXUSR)
        entries.append(TreeEntry(path=path, sha256=file.sha256, size=file.size, executable=executable))
        files[file.sha256] = file
    tree = Tree(entries=entries)
    check(tree)
    return tree, files


def _offer(connection: Connection, tree: Tree) -> TreeAnswer:
    headers = {"Content-Type": "application/json"}
    body = tree.model_dump_json(exclude_defaults=True)
    return connection.ask(_ANSWER, "POST", "/trees", repeatable=True, content=body, headers=headers)


def _send(missing: list[Content], connection: Connection, name: str, tell: OnProgress) -> None:
    """Upload these files, told of as one."""
    files = {one.sha256: one for one in missing}
    size = sum(one.size for one in missing)
    done = 0

    def tell_of_all(progress: Progress) -> None:
        tell(Progress(name, done + progress.sent, size))

    for batch in bundles.batches({one.sha256: one.size for one in missing}):
        some = [files[sha256] for sha256 in batch]
        if len(some) == 1:
            send(connection, some[0], tell_of_all)
        else:
            _send_bundle(connection, some, tell_of_all)
        done += sum(one.size for one in some)


def _send_bundle(connection: Connection, files: list[Content], tell: OnProgress) -> None:
    headers = {
        "Content-Type": bundles.MEDIA_TYPE,
        "Content-Length": str(bundles.bundle_size(one.size for one in files)),
    }
    connection.request("POST", "/blobs", repeatable=True, content=_Bundle(files, tell), headers=headers)


@dataclass(frozen=True)
class _Bundle:
    """A request's body that can be sent more than once."""

    files: list[Content]
    report: OnProgress

    def __iter__(self) -> Iterator[bytes]:
        return bundles.bundled((one.sha256, one.size, one.blocks()) for one in self._told())

    def _told(self) -> Iterator[Content]:
        """The files; when the next one is asked for, one has been sent."""
        sent = 0
        for one in self.files:
            self.report(Progress(one.name, sent, one.size))
            yield one
            sent += one.size
        self.report(Progress(one.name, sent, one.size))
