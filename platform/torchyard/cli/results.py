"""Commands about what jobs leave: logs and artifacts."""

from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from torchyard.cli import following, terminal
from torchyard.cli.access import JobArgument, JsonOption, connect, resolve
from torchyard.cli.following import Follower
from torchyard.cli.wording import size
from torchyard.client import Client
from torchyard.contracts.jobs import Artifact
from torchyard.contracts.logs import LogName
from torchyard.errors import InvalidInput


def logs(
    ctx: typer.Context,
    job_id: JobArgument,
    name: Annotated[LogName, typer.Argument(help="Which log.")] = LogName.STDOUT,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    attempt: Annotated[int | None, typer.Option(min=1, help="Which attempt's. [default: the latest]")] = None,
) -> None:
    """Write a job's log to stdout, byte for byte.

    stdout.log holds everything the script wrote, stderr.log only what it wrote to stderr,
    system.log the platform's own account.
    """
    sink = following.all_to_stdout()
    with connect(ctx) as client:
        identity = resolve(client, job_id)
        if follow and attempt is None and name is not LogName.SYSTEM:
            Follower(client, client.get(identity), sink, name).to_the_end()
            return
        for piece in client.logs(identity, name, follow=follow, attempt=attempt):
            sink.write(piece)


def artifacts(
    ctx: typer.Context,
    job_id: JobArgument,
    download: Annotated[
        Path | None,
        typer.Option("--download", "-d", metavar="DIR", help="Fetch all of them into this directory."),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option("--zip", metavar="FILE", help="Fetch all of them as one zip.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there already.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the files that a job left, or fetch them."""
    with connect(ctx) as client:
        identity = resolve(client, job_id)
        found = client.artifacts(identity)
        if download is not None:
            found = _latest(found)
        targets = {_inside(download, one.path): one for one in found} if download is not None else {}
        if not overwrite:
            _refuse_to_replace([*([] if archive is None else [archive]), *targets])
        if archive is not None:
            written = client.download_all(identity, archive)
            terminal.tell(f"{written}  {size(written.stat().st_size)}")
        for target, artifact in targets.items():
            _fetch(client, identity, artifact, target)
    if json:
        terminal.show_json(found)
    elif download is None and archive is None:
        rows = [(one.path, size(one.size), str(one.attempt), one.sha256[:12]) for one in found]
        terminal.show_table(("PATH", "SIZE", "ATTEMPT", "SHA-256"), rows)


def _latest(found: list[Artifact]) -> list[Artifact]:
    """Of files with the same path, the latest attempt's."""
    return list({one.path: one for one in sorted(found, key=lambda one: one.attempt)}.values())


def _refuse_to_replace(targets: list[Path]) -> None:
    there = [target for target in targets if target.exists() or target.is_symlink()]
    if there:
        more = f", and so are {len(there) - 1} more" if len(there) > 1 else ""
        raise InvalidInput(
            f"{there[0]} is there already{more}; nothing was fetched",
            code="file_exists",
            hint="--overwrite replaces what is there",
        )


def _fetch(client: Client, job_id: str, artifact: Artifact, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = client.download(job_id, artifact, target)
    terminal.tell(f"{written}  {size(artifact.size)}")


def _inside(directory: Path, path: str) -> Path:
    # The name came from a script; it must not choose another place on this machine.
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts:
        raise InvalidInput(f"the artifact {path!r} would be written outside {directory}; nothing was fetched")
    return directory / parts
