import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchyard.domain.substitution import mentions_secrets, secrets_named, substitute
from torchyard.errors import FieldInvalid

SECRETS = {"KEY": "k$1\\1${x}", "OTHER": "秘密"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("$HOME and $$ and {x}", "$HOME and $$ and {x}"),
        ("${secrets.KEY}", SECRETS["KEY"]),
        ("Bearer ${secrets.OTHER}!${secrets.OTHER}", "Bearer 秘密!秘密"),
        ("$${secrets.KEY}", "${secrets.KEY}"),
        ("$$${secrets.KEY}", "$${secrets.KEY}"),
        ("$${", "${"),
    ],
)
def test_references_are_replaced_once_and_escapes_are_undone(value: str, expected: str) -> None:
    assert substitute(value, SECRETS) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("${secrets.MISSING}", "secret_unknown"),
        ("${secrets.}", "secret_unknown"),
        ("${EPOCHS}", "parameter_unknown"),
        ("${}", "parameter_unknown"),
        ("${node.outputs}", "parameter_unknown"),
        ("${secrets.KEY", "parameter_unknown"),
        ("${secrets.${KEY}}", "parameter_unknown"),
    ],
)
def test_what_is_unknown_is_refused_and_never_passed_through(value: str, code: str) -> None:
    with pytest.raises(FieldInvalid) as problem:
        substitute(value, SECRETS)

    assert (problem.value.code, problem.value.field) == (code, "environment")


def test_the_names_of_all_secrets_are_found_but_not_escaped_ones() -> None:
    assert secrets_named(["${secrets.A}${secrets.B}", "$${secrets.C}", ""]) == {"A", "B"}
    assert mentions_secrets(["${other}", "${secrets.A}"])
    assert not mentions_secrets(["$${secrets.C}", "${other}", "${"])


@given(st.text())
def test_an_escaped_text_comes_back_as_it_was(text: str) -> None:
    escaped = text.replace("${", "$${")
    if not text.startswith("$") and "$${" not in text:  # a `$` before an escape is a third one
        assert substitute(escaped, {}) == text
