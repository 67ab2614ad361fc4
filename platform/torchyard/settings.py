"""The platform's settings: the environment (`TORCHYARD_…`) first, then `$TORCHYARD_HOME/torchyard.toml`."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from torchyard.errors import StartRefused

MIB = 1024 * 1024
#: Names and addresses that only this machine can reach.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def default_home() -> Path:
    """The directory that holds all state: `TORCHYARD_HOME`, else `.torchyard` here."""
    return Path(os.environ.get("TORCHYARD_HOME", ".torchyard")).absolute()


def _plain_seconds(value: object) -> object:
    return float(value) if isinstance(value, str) and value.replace(".", "", 1).isdecimal() else value


#: In seconds; ISO 8601 (`PT15S`) is understood too.
Duration = Annotated[timedelta, BeforeValidator(_plain_seconds)]


class Settings(BaseSettings):
    """Read once, at the composition root, and handed down."""

    model_config = SettingsConfigDict(env_prefix="TORCHYARD_", frozen=True, extra="ignore")

    # Where things are
    home: Path = Field(default_factory=default_home, description="The directory that holds all state.")
    host: str = Field("127.0.0.1", description="The address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="The port the API listens on.")
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the database; SQLite in the home if left out."
    )
    broker_url: SecretStr | None = Field(
        None, description="Redis or Valkey that carries messages; `torchyard up` starts its own if left out."
    )

    # Who may do what
    authentication: Literal["on", "off"] = Field(
        "on", description="`off` lets everybody in as administrator; refused unless `host` is loopback."
    )
    session_lifetime: Duration = Field(timedelta(days=14), description="How long a browser stays signed in.")

    secret_keys: SecretStr | None = Field(
        None,
        description="Keys with which secrets are encrypted, separated by commas, the newest first; "
        "those of the file `secret-key` in the home come after them.",
    )

    # What the platform itself may reach
    webhook_allow_loopback: bool = Field(
        False,
        description="Let webhooks go to this very machine (127.0.0.1); for development.",
    )

    # Limits of what is sent
    max_json_bytes: int = Field(MIB, ge=1024, description="Largest JSON body.")
    max_script_bytes: int = Field(10 * MIB, ge=1, description="Largest script.")
    max_upload_bytes: int = Field(4096 * MIB, ge=1024, description="Largest upload: a blob, or a whole form.")

    # How long things are kept
    artifact_max_age: Duration | None = Field(
        None, description="Artifacts of jobs that ended longer ago are removed; left out: never."
    )
    artifact_max_total_bytes: int | None = Field(
        None,
        ge=0,
        description="While all artifacts take more bytes, those of the job that ended first are removed; "
        "left out: never.",
    )

    # Jobs and workers
    default_runtime: str = Field("torch-2.13-cpu", description="The runtime of jobs that name none.")
    unreachable_after: Duration = Field(
        timedelta(seconds=15), description="Silence after which a worker counts as unreachable."
    )
    lost_after: Duration = Field(
        timedelta(seconds=600), description="Silence after which a worker's attempts are given up."
    )
    resend_after: Duration = Field(
        timedelta(seconds=10),
        description="An assigned attempt that nobody claimed is announced again after this.",
    )
    retry_pause: Duration = Field(
        timedelta(seconds=10),
        description="Pause before the attempt that follows a failed one, if the job asks for one; "
        "it doubles with each further failure, up to 10 minutes.",
    )
    reconcile_every: Duration = Field(
        timedelta(seconds=1), description="Pause between two looks at what got stuck."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe of the platform's own log lines that is written."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file in the home."""
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls, default_home() / "torchyard.toml"),
        )

    @property
    def database(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.home / 'torchyard.db'}"

    @property
    def url(self) -> str:
        """The address of the API as other programs on this machine reach it."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def listens_beyond_loopback(self) -> bool:
        """Whether other machines can reach the API."""
        return self.host not in LOOPBACK


def load() -> Settings:
    """The settings of this process.

    Raises:
        StartRefused: One of them can't be used; it is named.
    """
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = "TORCHYARD_" + "_".join(str(part) for part in first["loc"]).upper()
        raise StartRefused(f"the setting {name} can't be used: {first['msg']}") from problem
