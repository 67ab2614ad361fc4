"""Artifacts on their way home."""

import contextlib
import hashlib
from pathlib import Path
from urllib.parse import quote

from torchyard.client.connection import Connection
from torchyard.client.following import follow_bytes
from torchyard.contracts.jobs import Artifact
from torchyard.errors import DigestMismatch


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
    partial = file.with_name(f"{file.name}.part")
    digest = hashlib.sha256()
    try:
        with partial.open("wb") as written:
            for block in follow_bytes(connection, f"/jobs/{quote(job_id)}/artifacts/{quote(path)}", params):
                digest.update(block)
                written.write(block)
        if isinstance(artifact, Artifact) and digest.hexdigest() != artifact.sha256:
            raise DigestMismatch(
                f"{path} arrived with other bytes than the job left", hint="download it again"
            )
        partial.replace(file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
    return file
