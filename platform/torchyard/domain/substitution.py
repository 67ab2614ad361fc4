"""`${name}` in a job's arguments, environment and dependency paths; `$${` stands for a literal `${`.

An unknown name is refused, never passed through: a script that trains for a day and then finds the text
`${secrets.KEY}` in place of its key helps nobody.

There are two readings. `put_in` is the first one, when a job is made: names that have a value now are
replaced. The second one, `substitute`, is the environment's alone: `${secrets.NAME}` stays in it until a
worker takes the job. What is read twice keeps its escapes for the second time.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from torchyard.contracts.sayings import say
from torchyard.errors import FieldInvalid

_ENVIRONMENT = "environment"
_SECRETS = "secrets."
#: In this order: an escape, a whole reference, and one that nobody closed.
_MARK = re.compile(r"(?P<escape>\$\$\{)|\$\{(?P<name>[^{}]*)\}|(?P<open>\$\{)")
_ESCAPED = "write `$${` for a literal `${`"


def put_in(
    text: str,
    values: Mapping[str, str],
    *,
    field: str,
    keep: Callable[[str], bool] | None = None,
) -> str:
    """The text with the values put in.

    A value is only ever text: what looks like a reference in it is none, neither now nor in a second reading.

    Args:
        text: What a person wrote.
        values: What each name stands for.
        field: The field it was written in, for the refusal.
        keep: Whether a name without a value is left for a second reading, as `substitute` does it; then
            escapes are left too. None: nothing reads the text again, so escapes are undone.

    Raises:
        FieldInvalid: `parameter_unknown`: a name is neither known nor kept, or a reference is not closed.
            `parameter_invalid`: a value would run together with a `{` or `${` behind it.
    """
    expected: list[str] = []

    def replaced(mark: re.Match[str]) -> str:
        name = mark["name"]
        if mark["escape"] or (name is not None and name not in values and keep is not None and keep(name)):
            expected.append(mark[0])
            return mark[0]
        if name is None or name not in values:
            raise _unknown(name, field, _ESCAPED)
        value = values[name].replace("${", "$${")
        expected.extend(inner[0] for inner in _MARK.finditer(value))
        return value

    escaped = _MARK.sub(replaced, text)
    if [mark[0] for mark in _MARK.finditer(escaped)] != expected:
        raise FieldInvalid(
            "a value that ends with '$' can't stand before '{'", code="parameter_invalid", field=field
        )
    return escaped if keep is not None else escaped.replace("$${", "${")


def names_in(text: str) -> set[str]:
    """The names that the text refers to, known or not; what is not closed is left out."""
    return {mark["name"] for mark in _MARK.finditer(text) if mark["name"] is not None}


def is_secret(name: str) -> bool:
    """Whether a name is a secret's: what an environment keeps for the second reading."""
    return name.startswith(_SECRETS)


def secrets_named(values: Iterable[str]) -> set[str]:
    """Names of the secrets that the values refer to.

    Raises:
        FieldInvalid: `parameter_unknown`: they refer to something else, or a reference is not closed.
    """
    return {_secret(match) for value in values for match in _MARK.finditer(value) if not match["escape"]}


def mentions_secrets(values: Iterable[str]) -> bool:
    """Whether a value refers to a secret, whatever else it refers to."""
    return any(is_secret(match["name"] or "") for one in values for match in _MARK.finditer(one))


def substitute(value: str, secrets: Mapping[str, str]) -> str:
    """The value of an environment variable with the secrets put in, and escapes undone.

    Raises:
        FieldInvalid: `secret_unknown`; or `parameter_unknown`, see `secrets_named`.
    """

    def replaced(match: re.Match[str]) -> str:
        if match["escape"]:
            return "${"
        name = _secret(match)
        if name not in secrets:
            raise unknown_secret(name)
        return secrets[name]

    return _MARK.sub(replaced, value)


def unknown_secret(name: str) -> FieldInvalid:
    """The refusal of a reference to a secret that there is not."""
    return FieldInvalid(
        say("no_such_secret", name=name),
        code="secret_unknown",
        field=_ENVIRONMENT,
        hint=say("hint_store_secret", name=name),
    )


def _secret(match: re.Match[str]) -> str:
    name = match["name"]
    if name is not None and is_secret(name):
        return name.removeprefix(_SECRETS)
    raise _unknown(name, _ENVIRONMENT, f"`${{secrets.NAME}}` is a stored secret; {_ESCAPED}")


def _unknown(name: str | None, field: str, hint: str) -> FieldInvalid:
    if name is None:
        what = "'${' is never closed"
    elif is_secret(name) and field != _ENVIRONMENT:
        what, hint = (
            f"{name[:80]!r} is a secret, and secrets are for the environment alone",
            (say("hint_secret_in_environment")),
        )
    else:
        what = f"there is no parameter {name[:80]!r}"
    return FieldInvalid(what, code="parameter_unknown", field=field, hint=hint)
