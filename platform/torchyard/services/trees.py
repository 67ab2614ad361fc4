"""Trees of dependencies: taken once all of their files are here."""

import hashlib
from collections.abc import Mapping

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import FileRef
from torchyard.contracts.requirements import (
    MAX_REQUIREMENTS_BYTES,
    REQUIREMENTS_FILE,
    RequirementsInvalid,
    requirements_in,
)
from torchyard.contracts.sayings import say
from torchyard.contracts.trees import Tree, TreeAnswer, TreeEntry, check, check_size, read_tree
from torchyard.errors import FieldInvalid, NotFound
from torchyard.services.blobs import FRESH, store
from torchyard.services.context import Context
from torchyard.storage import blobs, trees
from torchyard.storage.tables import BlobRow


def find(ctx: Context, session: Session, sha256: str) -> None:
    """Go on only if jobs can use the tree; asking keeps it for a day at least.

    Raises:
        NotFound: `tree_not_found`.
    """
    if not trees.is_known(session, sha256):
        raise NotFound("no tree with this SHA-256 has been taken", code="tree_not_found")
    blobs.touch(session, sha256, ctx.clock.now())


def offer(ctx: Context, tree: Tree) -> TreeAnswer:
    """Take the tree, or tell which of its files have to be uploaded first; the others are kept for a day.

    Raises:
        ArchiveRejected: It breaks a rule of `contracts.trees`.
        TooLarge: `archive_too_large`.
        StorageFull: No space is left.
    """
    check(tree)
    document = tree.document()
    sha256 = hashlib.sha256(document).hexdigest()
    files = tree.files()
    with ctx.db.read() as session:
        known = blobs.find_all(session, files)
    _check_sizes(tree, known)
    whole = len(known) == len(files)
    if whole:
        store(ctx, [document])
    with ctx.db.write() as session:
        if whole:
            # The lock of its row lets one of two that offer the same tree go first.
            blobs.touch(session, sha256, ctx.clock.now())
        missing = files.keys() - _kept(ctx, session, files)
        if whole and not missing and not trees.is_known(session, sha256):
            trees.add(session, sha256, files)
    return TreeAnswer(sha256=sha256, missing=[file for file in files if file in missing])


def _kept(ctx: Context, session: Session, files: Mapping[str, int]) -> set[str]:
    """Those of the files that are here, and stay for a day at least."""
    known, now = blobs.find_all(session, files), ctx.clock.now()
    stale = [sha256 for sha256, row in known.items() if now - row.used_at >= FRESH]
    blobs.touch_all(session, stale, now)
    return set(known)


def _check_sizes(tree: Tree, known: Mapping[str, BlobRow]) -> None:
    for entry in tree.entries:
        row = known.get(entry.sha256 or "")
        if row is not None:
            check_size(entry, row.size)


def check_beside(ctx: Context, script: FileRef, sha256: str) -> bool:
    """Whether a blob is a tree that was taken; one that can't be laid beside the script is refused.

    Raises:
        FieldInvalid: `dependency_conflict`: it holds another file under the script's name.
            `requirements_invalid`: its requirements.txt has what is not allowed.
    """
    with ctx.db.read() as session:
        if not trees.is_known(session, sha256):
            return False
    for entry in read_tree(b"".join(ctx.objects.read(sha256))).entries:
        if _clashes(entry, script):
            raise FieldInvalid(
                say("dependencies_hold_script", script=script.name),
                code="dependency_conflict",
                field="dependencies",
                hint="rename one of the two, or leave it out of the dependencies",
            )
        if entry.path == REQUIREMENTS_FILE and entry.sha256 is not None:
            _check_requirements(b"".join(ctx.objects.read(entry.sha256, 0, MAX_REQUIREMENTS_BYTES + 1)))
    return True


def _clashes(entry: TreeEntry, script: FileRef) -> bool:
    """Whether an entry takes the script's place, with other content or as a folder."""
    if entry.path == script.name:
        return entry.sha256 != script.sha256
    return entry.path.startswith(f"{script.name}/")


def _check_requirements(content: bytes) -> None:
    try:
        requirements_in(content)
    except RequirementsInvalid as problem:
        raise FieldInvalid(
            f"{REQUIREMENTS_FILE}, which is installed before the script starts: {problem}",
            code="requirements_invalid",
            field="dependencies",
            hint=say("hint_requirements_in_zip"),
        ) from None
