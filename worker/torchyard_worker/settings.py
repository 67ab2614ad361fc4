"""The worker's settings: environment variables `TORCHYARD_WORKER_…`, and `TORCHYARD_URL`."""

import socket
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from torchyard.errors import StartRefused

_PREFIX = "TORCHYARD_WORKER_"


def _web_address(text: str) -> str:
    try:
        found = parse_url(text)
    except LocationParseError:
        found = None
    if found is None or found.scheme not in {"http", "https"} or not found.host:
        raise ValueError("it must be an address such as http://127.0.0.1:8000")
    return text


class Settings(BaseSettings):
    """Read once, at the composition root, and handed down."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    # Where the platform is
    url: Annotated[str, AfterValidator(_web_address)] = Field(
        "http://127.0.0.1:8000",
        validation_alias=AliasChoices("TORCHYARD_URL", "url"),
        description="The platform's address.",
    )
    token: SecretStr | None = Field(None, description="The join token for workers.")
    token_file: Path | None = Field(
        None, description="A file that holds the join token; read if `token` is not set."
    )
    connect_timeout_seconds: float = Field(
        5.0, gt=0, description="Longest wait for a connection to the platform."
    )
    request_timeout_seconds: float = Field(
        30.0, gt=0, description="Longest silence of the platform in a request."
    )

    # Where things are
    home: Path = Field(
        Path(".torchyard/worker"), description="The worker's own directory: attempts and cached blobs."
    )
    runtimes: Path = Field(Path(".torchyard/runtimes"), description="The directory that holds the runtimes.")

    # What it offers
    name: str | None = Field(
        None, min_length=1, max_length=100, description="Its name; the host's if left out."
    )
    cpus: int | None = Field(None, ge=1, description="CPU cores to offer; all that it may use if left out.")
    memory_mb: int | None = Field(
        None, ge=1, description="Memory to offer, in MiB; all that it may use if left out."
    )
    gpus: str | None = Field(
        None, description="UUIDs of the GPUs to offer, separated by commas; `none` for none; all if left out."
    )

    # How it treats attempts
    stop_jobs_on_exit: bool = Field(
        False,
        description="Stop running scripts when the worker stops; otherwise its next start takes them over.",
    )
    zygotes: int = Field(
        2,
        ge=0,
        description="Runtimes for which an interpreter with torch loaded waits for scripts, about 100 MiB "
        "each: those wanted last. 0 starts every script cold.",
    )
    blob_cache_mb: int = Field(
        20 * 1024,
        ge=0,
        description="Size of the cache of scripts and dependencies, in MiB; the least used go first.",
    )
    tree_cache_mb: int = Field(
        20 * 1024,
        ge=0,
        description="Size of unpacked archives and installed packages that wait for their next job, in MiB; "
        "the oldest go first.",
    )
    object_cache_mb: int = Field(
        20 * 1024,
        ge=0,
        description="Size of the cache of objects from S3 and COS, in MiB; the least used go first.",
    )
    package_cache_mb: int = Field(
        20 * 1024,
        ge=0,
        description="Size of the cache of packages that jobs require, in MiB; those unused longest go first.",
    )
    max_fetched_files: int = Field(
        10_000, ge=0, description="Most files that the dependency paths of a job may name."
    )
    max_fetched_mb: int = Field(50 * 1024, ge=0, description="Size of all of them, in MiB.")
    storage_connect_timeout_seconds: float = Field(
        5.0, gt=0, description="Longest wait for a connection to S3 or COS."
    )
    storage_read_timeout_seconds: float = Field(
        30.0, gt=0, description="Longest silence of S3 or COS in a request."
    )
    storage_tries: int = Field(5, ge=1, le=20, description="How often a request to S3 or COS is tried.")
    storage_retry_seconds: float = Field(
        600.0, ge=0, description="Time in which those tries are made, at most."
    )
    pip_index_url: str | None = Field(
        None,
        description="Where jobs get packages from; PyPI, or what pip's own settings say, if left out. "
        "A password in it can be read by jobs.",
    )
    max_artifacts: int = Field(1000, ge=0, description="Most artifacts kept of an attempt.")
    max_artifact_mb: int = Field(10 * 1024, ge=0, description="Largest artifact, in MiB.")
    max_artifacts_mb: int = Field(50 * 1024, ge=0, description="Size of all artifacts of an attempt, in MiB.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe of the worker's own log lines that is written."
    )

    @property
    def display_name(self) -> str:
        """The name people see."""
        return self.name or socket.gethostname()[:100] or "worker"

    def join_token(self) -> str:
        """The token that lets this worker in.

        Raises:
            StartRefused: There is none.
        """
        if self.token is not None:
            return self.token.get_secret_value()
        if self.token_file is None:
            raise StartRefused(
                f"the worker needs the platform's join token: set {_PREFIX}TOKEN or {_PREFIX}TOKEN_FILE"
            )
        try:
            return self.token_file.read_text().strip()
        except OSError as problem:
            raise StartRefused(
                f"the join token {self.token_file} can't be read: {problem.strerror}"
            ) from problem


def described(settings: Settings) -> list[dict[str, Any]]:
    """Every setting: name, environment variable, present value, description; secrets stay hidden."""
    values = settings.model_dump(mode="json")
    return [
        {
            "name": name,
            "env": "TORCHYARD_URL" if name == "url" else _PREFIX + name.upper(),
            "value": values[name],
            "description": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
