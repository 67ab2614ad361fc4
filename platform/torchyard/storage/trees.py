"""Queries about trees of dependencies."""

from collections.abc import Iterable

from sqlalchemy import insert
from sqlalchemy.orm import Session

from torchyard.storage.tables import TreeFileRow, TreeRow


def is_known(session: Session, sha256: str) -> bool:
    """Whether this blob is a tree that jobs can use."""
    return session.get(TreeRow, sha256) is not None


def add(session: Session, sha256: str, files: Iterable[str]) -> None:
    """Note that a blob is a tree with these files."""
    session.execute(insert(TreeRow), [{"sha256": sha256}])
    # In the order of the index, which is much faster for tens of thousands.
    rows = [{"tree_sha256": sha256, "sha256": file} for file in sorted(files)]
    if rows:
        session.execute(insert(TreeFileRow), rows)
