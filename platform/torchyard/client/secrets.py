"""`client.secrets`: named values that a job's environment refers to as `${secrets.NAME}`."""

from urllib.parse import quote

from pydantic import TypeAdapter

from torchyard.client.connection import Connection as Http
from torchyard.contracts.secrets import Rotated, StoredSecret

_SECRET = TypeAdapter(StoredSecret)
_SECRETS = TypeAdapter(list[StoredSecret])
_ROTATED = TypeAdapter(Rotated)


class Secrets:
    """The verbs of your own secrets; no value can be read back."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def all(self) -> list[StoredSecret]:
        """Your secrets, by name, without their values."""
        return self._http.ask(_SECRETS, "GET", "/secrets")

    def set(self, name: str, value: str) -> StoredSecret:
        """Store a secret, or give it another value; jobs that have not started get the new one.

        Args:
            name: Upper-case letters, digits and `_`.
            value: At most 64 KiB in UTF-8.
        """
        return self._http.ask(_SECRET, "PUT", _path(name), json={"value": value})

    def remove(self, name: str) -> None:
        """Forget a secret; `RequestRefused` with code `secret_in_use` while a job needs it."""
        self._http.request("DELETE", _path(name))

    def rotate(self) -> Rotated:
        """Have everything encrypted with the platform's newest key; for administrators."""
        return self._http.ask(_ROTATED, "POST", "/secrets/rotate", repeatable=True)


def _path(name: str) -> str:
    return f"/secrets/{quote(name, safe='')}"
