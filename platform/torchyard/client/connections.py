"""`client.connections`: storage connections, and what lies behind them."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter, ValidationError

from torchyard.client.connection import Connection as Http
from torchyard.contracts.connections import (
    Connection,
    ConnectionSettings,
    FoundPath,
    StorageListing,
    StoredFile,
)
from torchyard.contracts.models import as_clause
from torchyard.errors import InvalidInput

_CONNECTION = TypeAdapter(Connection)
_CONNECTIONS = TypeAdapter(list[Connection])
_FOUND = TypeAdapter(FoundPath)
_LISTING = TypeAdapter(StorageListing)


class Connections:
    """The verbs of connections; `set` and `remove` are an administrator's."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def all(self) -> list[Connection]:
        """All connections, by name, without their secrets."""
        return self._http.ask(_CONNECTIONS, "GET", "/connections")

    def get(self, name: str) -> Connection:
        """One connection, without its secret."""
        return self._http.ask(_CONNECTION, "GET", _path(name))

    def set(self, name: str, settings: ConnectionSettings | Mapping[str, Any]) -> Connection:
        """Set up a connection, or replace it.

        Args:
            name: Lower-case letters, digits and `-`.
            settings: As in `ConnectionSettings`.

        Raises:
            InvalidInput: The settings are none.
        """
        body = _body(settings)
        return self._http.ask(_CONNECTION, "PUT", _path(name), json=body)

    def remove(self, name: str) -> None:
        """Forget a connection; queued jobs that need it will fail."""
        self._http.request("DELETE", _path(name))

    def check(self, name: str, path: str) -> FoundPath:
        """What lies at `s3://bucket/key`; `RequestRefused`, `dependency_not_found` if nothing does."""
        return self._http.ask(_FOUND, "POST", f"{_path(name)}/check", repeatable=False, json={"path": path})

    def browse(self, name: str, directory: str | None = None) -> Iterator[str | StoredFile]:
        """What lies in a directory, asked for part by part: folders as paths, and files.

        Args:
            name: The connection.
            directory: As `s3://bucket/dir/`; all that the connection allows, if None.
        """
        params = {} if directory is None else {"prefix": directory}
        while True:
            part = self._http.ask(_LISTING, "GET", f"{_path(name)}/browse", params=params)
            yield from part.folders
            yield from part.files
            if part.next_cursor is None:
                return
            params["cursor"] = part.next_cursor


def _body(settings: ConnectionSettings | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(settings, ConnectionSettings):
        try:
            settings = ConnectionSettings.model_validate(settings)
        except ValidationError as problem:
            first = problem.errors(include_input=False)[0]
            field = ".".join(map(str, first["loc"]))
            raise InvalidInput(f"{field}: {as_clause(first['msg'])}", field=field) from None
    told = settings.model_dump(mode="json", exclude={"secret_access_key"})
    secret: SecretStr = settings.secret_access_key
    return told | {"secret_access_key": secret.get_secret_value()}


def _path(name: str) -> str:
    return f"/connections/{quote(name, safe='')}"
