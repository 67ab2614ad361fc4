"""Which paths are taken at all, before any library sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from torchyard.contracts.storage_paths import allows, parse, split_paths


@pytest.mark.parametrize(
    "text",
    [
        "s3://data",
        "s3://data/",
        "s3://data/dir/",
        "cos://data-1250000000/ü/a b.csv",
        "s3://my.bucket/..a/b..",
        "s3://data/" + "k" * 1024,
    ],
)
def test_a_path_is_told_as_it_was_written(text: str) -> None:
    assert str(parse(text)).removesuffix("/") == text.removesuffix("/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data/key",
        "http://data/key",
        "S3://data/key",
        "s3:///key",
        "s3://ab",
        "s3://Data/key",
        "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/evil/key",
        "s3://evil@169.254.169.254/key",
        "s3://da..ta/key",
        "s3://data--x-s3/key",
        "s3://data-s3alias/key",
        "s3://data--ol-s3/key",
        "s3://data//key",
        "s3://data/../other/key",
        "s3://data/./key",
        "s3://data/dir/..",
        "s3://data/dir//",
        "s3://data/a\nb",
        "s3://data/a\x00b",
        "s3://data/a\u202eb",
        "s3://data/" + "k" * 1025,
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError) as problem:
        parse(text)

    assert problem.value.type == "s3_uri_invalid"


def test_paths_are_separated_by_commas_and_there_are_at_most_100() -> None:
    assert [str(path) for path in split_paths(" s3://data/a ,, cos://data/b/,")] == [
        "s3://data/a",
        "cos://data/b/",
    ]
    assert split_paths(" , ") == []
    with pytest.raises(PydanticCustomError, match="at most 100 paths"):
        split_paths(",".join(["s3://data/a"] * 101))


@pytest.mark.parametrize(
    ("allowed", "path", "expected"),
    [
        ("data", "s3://data/any/thing", True),
        ("data", "s3://database/x", False),
        ("data/public/", "s3://data/public/x", True),
        ("data/public", "s3://data/public/", True),
        ("data/public/", "s3://data/public", False),
        ("data/public", "s3://data/publicity", False),
        ("data/public/", "s3://data/", False),
    ],
)
def test_only_what_lies_in_an_allowed_bucket_or_prefix_is_allowed(
    allowed: str, path: str, expected: bool
) -> None:
    assert allows([allowed], parse(path)) is expected


@given(st.text())
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = parse(f"s3://data/{text}")
    except PydanticCustomError:
        return
    assert not {"", ".", ".."} & set(path.key.removesuffix("/").split("/")) or not path.key
