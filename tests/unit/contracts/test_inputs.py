import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from torchyard.contracts.inputs import (
    Inputs,
    NamedBlob,
    Source,
    data_source,
    input_name,
    job_source,
    read_source,
)
from torchyard.contracts.storage_paths import parse

INPUTS: TypeAdapter[dict[str, str]] = TypeAdapter(Inputs)
JOB = "5f0c1b1e-0000-4000-8000-000000000009"
ONE, OTHER = "a" * 64, "b" * 64


def refused(inputs: Any) -> tuple[str, str]:
    """Code and sentence."""
    with pytest.raises(ValidationError) as problem:
        INPUTS.validate_python(inputs)
    (found,) = problem.value.errors()
    return found["type"], found["msg"]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("none", Source()),
        (f"job:{JOB}", Source(job=JOB)),
        (f"job:{JOB}?", Source(job=JOB, may_be_empty=True)),
        ("s3://lab/a, cos://lab/b/", Source(paths=(parse("s3://lab/a"), parse("cos://lab/b/")))),
        (f"blob:{ONE}/a.csv", Source(files=(NamedBlob(ONE, "a.csv"),))),
        (f"blob:{ONE}/a.csv,blob:{ONE}/a.csv", Source(files=(NamedBlob(ONE, "a.csv"),))),
        (f"blob:{ONE}/数据, 1,s3.csv", Source(files=(NamedBlob(ONE, "数据, 1,s3.csv"),))),
        (
            f"blob:{ONE}/a,b,s3://lab/a,blob:{OTHER}/c",
            Source(paths=(parse("s3://lab/a"),), files=(NamedBlob(ONE, "a,b"), NamedBlob(OTHER, "c"))),
        ),
    ],
)
def test_a_source_is_read_as_it_was_meant(text: str, source: Source) -> None:
    assert read_source(text) == source
    assert INPUTS.validate_python({"x": text}) == {"x": text}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "inputs_invalid"),
        (" ", "inputs_invalid"),
        ("train.csv", "inputs_invalid"),
        ("http://lab/a", "inputs_invalid"),
        ("job:1", "inputs_invalid"),
        (f"job:{JOB}??", "inputs_invalid"),
        (f"job:{JOB},job:{JOB}", "inputs_invalid"),
        ("blob:1/a", "inputs_invalid"),
        (f"blob:{ONE}", "inputs_invalid"),
        (f"blob:{ONE.upper()}/a", "inputs_invalid"),
        (f"blob:{ONE}/", "file_name_invalid"),
        (f"blob:{ONE}/..", "file_name_invalid"),
        (f"blob:{ONE}/a/b", "file_name_invalid"),
        (f"blob:{ONE}/-rf", "file_name_invalid"),
        (f"blob:{ONE}/a\nb", "file_name_invalid"),
        (f"blob:{ONE}/a,blob:{OTHER}/a", "dependency_conflict"),
        (f"blob:{ONE}/a,job:{JOB}", "s3_uri_invalid"),
        (f"s3://lab/a,job:{JOB}", "s3_uri_invalid"),
        ("s3://lab/a,b", "s3_uri_invalid"),
        ("s3://lab/../x", "s3_uri_invalid"),
        (",".join(f"s3://lab/{number}" for number in range(101)), "s3_uri_invalid"),
        (",".join(f"blob:{ONE}/{number}" for number in range(1001)), "inputs_invalid"),
    ],
)
def test_a_source_that_is_none_is_refused_and_its_input_named(text: str, code: str) -> None:
    found, sentence = refused({"train": text})

    assert (found, sentence[:5]) == (code, "train")


def test_two_files_with_one_name_are_both_told() -> None:
    _, sentence = refused({"x": f"blob:{ONE}/a,blob:{OTHER}/a"})

    assert sentence == f"x: two of its files are called 'a': {ONE} and {OTHER}"


@pytest.mark.parametrize("name", ["a", "train-1_x", "训练", "Überblick", "данные", "ก1", "n" * 64, "-"])
def test_names_are_words_of_any_script(name: str) -> None:
    assert input_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "../up", ".", "a.b", "a/b", "n" * 65, "a\n", "\ud800", "𠀀" * 64]
)
def test_other_names_are_refused(name: str) -> None:
    assert refused({name: "none"})[0] == "inputs_invalid"


def test_a_name_has_one_form() -> None:
    assert INPUTS.validate_python({unicodedata.normalize("NFD", "é"): "none"}) == {"é": "none"}
    assert refused({unicodedata.normalize("NFD", "é"): "none", "é": "none"}) == (
        "inputs_invalid",
        "é is there twice",
    )


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30).filter(
    lambda name: (
        name not in {".", ".."} and name.isprintable() and not set(name) & set("/\\") and name[0] != "-"
    )
)


@given(st.lists(names, max_size=5, unique=True), st.lists(st.sampled_from(["a", "b/", "c/d"]), unique=True))
def test_what_is_written_is_read_again(names: list[str], keys: list[str]) -> None:
    files = [NamedBlob(ONE, name) for name in names]
    paths = [f"s3://lab/{key}" for key in keys]

    source = read_source(data_source(",".join(paths), files))

    assert source == Source(paths=tuple(map(parse, paths)), files=tuple(files))


def test_a_job_s_source_says_whether_it_may_be_empty() -> None:
    assert job_source(JOB) == f"job:{JOB}"
    assert read_source(job_source(JOB, may_be_empty=True)) == Source(job=JOB, may_be_empty=True)
