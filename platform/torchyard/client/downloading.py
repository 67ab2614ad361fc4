"""Artifacts on their way home."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import httpx

from torchyard.client.connection import FOLLOW_PATIENCE, Connection
from torchyard.client.following import follow_bytes, is_passing
from torchyard.client.patience import Patience
from torchyard.contracts.jobs import Artifact
from torchyard.errors import DigestMismatch, RequestRefused


def download(connection: Connection, job_id: str, artifact: Artifact | str, target: Path) -> Path:
    """Fetch one file; it appears under its name when it is whole.

    Args:
        connection: The platform.
        job_id: The job.
        artifact: What to fetch; its SHA-256 is checked. By its path alone: the latest attempt's, unchecked.
        target: The file to write, or a directory to put it in under its own name.

    Returns:
        The file that was written.

    Raises:
        DigestMismatch: Other bytes came than the platform promised.
        RequestRefused: There is no such artifact.
        ServerUnreachable: The platform stayed away.
    """
    path = artifact if isinstance(artifact, str) else artifact.path
    file = target / path.rsplit("/", 1)[-1] if target.is_dir() else target
    params = {} if isinstance(artifact, str) else {"attempt": artifact.attempt}
    digest = hashlib.sha256()
    with _whole(file) as written:
        for block in follow_bytes(connection, f"/jobs/{quote(job_id)}/artifacts/{quote(path)}", params):
            digest.update(block)
            written.write(block)
        if isinstance(artifact, Artifact) and digest.hexdigest() != artifact.sha256:
            raise DigestMismatch(
                f"{path} arrived with other bytes than the job left", hint="download it again"
            )
    return file


def download_all(connection: Connection, job_id: str, attempt: int | None, file: Path) -> Path:
    """Fetch all of a job's artifacts as one zip; it appears under its name when it is whole.

    Raises:
        RequestRefused: There is no such job.
        ServerUnreachable: The platform stayed away.
    """
    params = {} if attempt is None else {"attempt": attempt}
    patience = Patience(FOLLOW_PATIENCE)
    while True:
        try:
            with (
                _whole(file) as written,
                connection.stream(f"/jobs/{quote(job_id)}/artifacts.zip", params=params) as answer,
            ):
                for block in answer.iter_raw():
                    written.write(block)
        except (httpx.TransportError, RequestRefused) as problem:
            if not is_passing(problem):
                raise
            # It is made while it is sent, so it can only be had from the start.
            connection.wait_for_return(patience, problem)
        else:
            return file


@contextlib.contextmanager
def _whole(file: Path) -> Iterator[BinaryIO]:
    """What is written appears under the file's name if the context ends well."""
    partial = file.with_name(f"{file.name}.part")
    try:
        with partial.open("wb") as written:
            yield written
        partial.replace(file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
