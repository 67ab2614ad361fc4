import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchyard.domain.substitution import (
    is_secret,
    mentions_secrets,
    names_in,
    put_in,
    secrets_named,
    substitute,
)
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


VALUES = {"epochs": "3", "evil": "${secrets.KEY}", "price": "5$", "dir": "a b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--epochs ${epochs} $HOME $$", "--epochs 3 $HOME $$"),
        ("${epochs}${epochs}", "33"),
        ("$${epochs} $$${epochs}", "${epochs} $${epochs}"),
        ("s3://bucket/${dir}/", "s3://bucket/a b/"),
        ("${evil}", "${secrets.KEY}"),
        ("${price} $${x}", "5$ ${x}"),
        ("${price}$${x}", "5$${x}"),
        ("", ""),
    ],
)
def test_values_are_put_in_and_escapes_undone_where_nobody_reads_again(text: str, expected: str) -> None:
    assert put_in(text, VALUES, field="arguments") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${epochs} ${secrets.KEY}", f"3 {SECRETS['KEY']}"),
        ("$${secrets.KEY} ${evil}", "${secrets.KEY} ${secrets.KEY}"),
        ("${price}$${secrets.KEY}", "5$${secrets.KEY}"),
    ],
)
def test_what_is_kept_is_read_later_and_a_value_never_is(text: str, expected: str) -> None:
    kept = put_in(text, VALUES, field="environment", keep=is_secret)

    assert substitute(kept, SECRETS) == expected


@pytest.mark.parametrize("text", ["${price}{secrets.KEY}", "${price}${secrets.KEY}"])
def test_a_value_can_t_make_or_break_a_reference_with_what_stands_behind_it(text: str) -> None:
    with pytest.raises(FieldInvalid) as problem:
        put_in(text, VALUES, field="environment", keep=is_secret)

    assert (problem.value.code, problem.value.field) == ("parameter_invalid", "environment")


@pytest.mark.parametrize("text", ["${lr}", "${secrets.KEY}", "${", "${epochs", "${}", "${${epochs}}"])
def test_a_parameter_that_there_is_not_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(FieldInvalid) as problem:
        put_in(text, VALUES, field="dependency_paths")

    assert (problem.value.code, problem.value.field) == ("parameter_unknown", "dependency_paths")


def test_names_are_found_without_values() -> None:
    assert names_in("${a} $${b} ${c.outputs} ${d") == {"a", "c.outputs"}


@given(st.dictionaries(st.sampled_from("ab"), st.text("${}a "), min_size=2), st.text("${}ab "))
def test_a_second_reading_finds_only_what_was_kept(values: dict[str, str], text: str) -> None:
    try:
        kept = put_in(text, values, field="environment", keep=is_secret)
    except FieldInvalid:
        return
    assert substitute(kept, {}) == put_in(text, values, field="environment")
