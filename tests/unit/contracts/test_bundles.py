"""Many blobs in one body come out as they went in, however the body is cut."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchyard.contracts.bundles import (
    BUNDLE_BYTES,
    LARGE_BYTES,
    MAX_BLOBS,
    batches,
    bundle_size,
    bundled,
    unbundled,
)
from torchyard.errors import Malformed, TooLarge


def packed(contents: list[bytes]) -> bytes:
    return b"".join(bundled((digest(one), len(one), [one]) for one in contents))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def cut(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(1, 90))
def test_blobs_come_out_as_they_went_in(contents: list[bytes], size: int) -> None:
    body = packed(contents)

    found = [(sha256, b"".join(content)) for sha256, content in unbundled(cut(body, size))]

    assert found == [(digest(one), one) for one in contents]
    assert len(body) == bundle_size(map(len, contents))


@pytest.mark.parametrize("lost", [1, 5, 70])
def test_a_bundle_that_is_cut_off_is_refused(lost: int) -> None:
    body = packed([b"first", b"second"])[:-lost]

    with pytest.raises(Malformed):
        for _, content in unbundled([body]):
            for _ in content:
                pass


@pytest.mark.parametrize(
    "body",
    [
        b"\n",
        b"{}",
        b"x" * 1000,
        b"0" * 64 + b" -1\n",
        b"0" * 64 + b" 01\nx",
        b"A" * 64 + b" 1\nx",
        b"0" * 64 + b" 99999999999999999\n",
    ],
)
def test_what_is_no_bundle_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(unbundled([body]))


def test_a_bundle_of_too_many_is_refused() -> None:
    with pytest.raises(TooLarge):
        list(unbundled([packed([b""] * (MAX_BLOBS + 1))]))


def test_small_blobs_travel_together_and_large_ones_alone() -> None:
    small = {f"{number}": LARGE_BYTES - 1 for number in range(40)}
    many = {f"m{number}": 0 for number in range(MAX_BLOBS + 1)}
    sizes = {**small, "large": LARGE_BYTES, **many}

    parts = list(batches(sizes))

    assert sorted(name for part in parts for name in part) == sorted(sizes)
    assert ["large"] in parts
    for part in parts:
        assert len(part) <= MAX_BLOBS
        assert part == ["large"] or sum(sizes[name] for name in part) <= BUNDLE_BYTES
    assert len(parts) == 5
