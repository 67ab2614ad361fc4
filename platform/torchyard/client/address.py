"""Where the platform is, and the token that opens it."""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from torchyard.errors import InvalidInput

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: What a platform that listens everywhere is called on its own machine.
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound


@dataclass(frozen=True)
class Address:
    """A platform and how to get in."""

    url: str
    token: str | None = field(repr=False)

    @property
    def on_this_machine(self) -> bool:
        """Whether the way there leaves this machine."""
        return urlsplit(self.url).hostname in _LOOPBACK


def find(url: str | None = None, token: str | None = None, home: Path | str | None = None) -> Address:
    """The address and token: as given, else from the environment, else from the home.

    Args:
        url: Else `TORCHYARD_URL`, else `TORCHYARD_HOST` and `TORCHYARD_PORT`, as the platform reads them,
            else the file `url` that a platform leaves in its home.
        token: Else `TORCHYARD_TOKEN`, else the file `token` in the home. The home's token is sent to the
            platform of this machine and to no other.
        home: Else `TORCHYARD_HOME`, else `.torchyard`.

    Raises:
        InvalidInput: The URL is none, or a file in the home can't be read.
    """
    directory = Path(home or os.environ.get("TORCHYARD_HOME") or ".torchyard")
    asked = url or os.environ.get("TORCHYARD_URL")
    found = _checked(asked) if asked else _own_url(directory)
    token = token or os.environ.get("TORCHYARD_TOKEN") or None
    address = Address(found, token)
    if token is None and (not asked or address.on_this_machine):
        return Address(found, _read(directory / "token"))
    return address


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise InvalidInput(
            f"{url!r} is no address of a platform",
            code="url_invalid",
            hint="write it as http://HOST:PORT, in --url or TORCHYARD_URL",
        )
    return url.rstrip("/")


def _own_url(home: Path) -> str:
    told = _read(home / "url")
    if told and not {"TORCHYARD_HOST", "TORCHYARD_PORT"} & os.environ.keys():
        return _checked(told)
    settings = _settings(home / "torchyard.toml")
    host = os.environ.get("TORCHYARD_HOST", str(settings.get("host", "127.0.0.1")))
    port = os.environ.get("TORCHYARD_PORT", str(settings.get("port", 8000)))
    host = "127.0.0.1" if host in _EVERYWHERE else host
    return _checked(f"http://{f'[{host}]' if ':' in host else host}:{port}")


def _settings(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(path) or "")
    except tomllib.TOMLDecodeError as problem:
        raise InvalidInput(f"{path} is no valid TOML: {problem}", code="settings_invalid") from problem


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise InvalidInput(
            f"{path} can't be read: {reason}",
            code="home_unreadable",
            hint="set TORCHYARD_TOKEN, or run as the user the platform runs as",
        ) from problem
