"""`${secrets.NAME}` in the values of a job's environment; `$${` stands for a literal `${`.

An unknown name is refused, never passed through: a script that trains for a day and then finds the text
`${secrets.KEY}` in place of its key helps nobody.
"""

import re
from collections.abc import Iterable, Mapping

from torchyard.errors import FieldInvalid

_FIELD = "environment"
_SECRETS = "secrets."
#: In this order: an escape, a whole reference, and one that nobody closed.
_MARK = re.compile(r"(?P<escape>\$\$\{)|\$\{(?P<name>[^{}]*)\}|(?P<open>\$\{)")


def secrets_named(values: Iterable[str]) -> set[str]:
    """Names of the secrets that the values refer to.

    Raises:
        FieldInvalid: `parameter_unknown`: they refer to something else, or a reference is not closed.
    """
    return {_secret(match) for value in values for match in _MARK.finditer(value) if not match["escape"]}


def mentions_secrets(values: Iterable[str]) -> bool:
    """Whether a value refers to a secret, whatever else it refers to."""
    return any((match["name"] or "").startswith(_SECRETS) for one in values for match in _MARK.finditer(one))


def substitute(value: str, secrets: Mapping[str, str]) -> str:
    """The value with the secrets put in.

    Raises:
        FieldInvalid: `secret_unknown`; or `parameter_unknown`, see `secrets_named`.
    """

    def put_in(match: re.Match[str]) -> str:
        if match["escape"]:
            return "${"
        name = _secret(match)
        if name not in secrets:
            raise unknown_secret(name)
        return secrets[name]

    return _MARK.sub(put_in, value)


def unknown_secret(name: str) -> FieldInvalid:
    """The refusal of a reference to a secret that there is not."""
    return FieldInvalid(
        f"there is no secret {name!r}",
        code="secret_unknown",
        field=_FIELD,
        hint=f"store it first: `torchyard secrets set {name}`",
    )


def _secret(match: re.Match[str]) -> str:
    name = match["name"]
    if name is not None and name.startswith(_SECRETS):
        return name.removeprefix(_SECRETS)
    what = "'${' is never closed" if name is None else f"there is no parameter {name[:80]!r}"
    raise FieldInvalid(
        what,
        code="parameter_unknown",
        field=_FIELD,
        hint="`${secrets.NAME}` is a stored secret; write `$${` for a literal `${`",
    )
