"""`client.users`: who may come in, and how much of all workers their jobs hold."""

from urllib.parse import quote

from pydantic import TypeAdapter

from torchyard.client.connection import Connection as Http
from torchyard.contracts.users import UserAccount, UserChanges

_USER = TypeAdapter(UserAccount)
_USERS = TypeAdapter(list[UserAccount])


class Users:
    """The verbs of users; for administrators, but for looking at oneself."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def all(self) -> list[UserAccount]:
        """All users by name, with their quotas and what their jobs hold."""
        return self._http.ask(_USERS, "GET", "/users")

    def get(self, name: str) -> UserAccount:
        """One user."""
        return self._http.ask(_USER, "GET", _path(name))

    def change(self, name: str, changes: UserChanges) -> UserAccount:
        """Change what is set in `changes`, such as `UserChanges(max_gpus=4)`, and nothing else."""
        return self._http.ask(
            _USER,
            "PATCH",
            _path(name),
            json=changes.model_dump(mode="json", exclude_unset=True),
            repeatable=True,
        )


def _path(name: str) -> str:
    return f"/users/{quote(name, safe='')}"
